-- Questions that outlive their call. What callers said and what they got is sealed (bytea) with the server's key;
-- whose it is, and how far, stays readable.

-- Who has tasks, and how much: what quotas and turns are decided by.
CREATE TABLE pgwarden.owner (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer text NOT NULL,
    subject text NOT NULL,
    client text NOT NULL,
    queued bigint NOT NULL DEFAULT 0 CHECK (queued >= 0),
    running bigint NOT NULL DEFAULT 0 CHECK (running >= 0),
    bytes bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    -- The turn in which one of its tasks was claimed last.
    claimed bigint NOT NULL DEFAULT 0,
    UNIQUE (issuer, subject, client)
);
CREATE INDEX owner_turn ON pgwarden.owner (running, claimed) WHERE queued > 0;
CREATE SEQUENCE pgwarden.turn;

-- Of all owners.
CREATE TABLE pgwarden.total (
    single boolean PRIMARY KEY DEFAULT TRUE CHECK (single),
    open bigint NOT NULL DEFAULT 0 CHECK (open >= 0),
    bytes bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0)
) WITH (fillfactor = 10);
INSERT INTO pgwarden.total DEFAULT VALUES;

-- Processes that work on tasks.
CREATE TABLE pgwarden.holder (
    id bytea PRIMARY KEY,
    beat_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE pgwarden.task (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    -- The order of creation.
    number bigint GENERATED ALWAYS AS IDENTITY,
    owner bigint NOT NULL REFERENCES pgwarden.owner (key),
    listed boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    holder bytea,
    -- How often somebody began to work on it.
    attempts bigint NOT NULL DEFAULT 0,
    -- Keyed: the question cannot be guessed from it.
    fingerprint bytea NOT NULL,
    question bytea NOT NULL,
    message bytea NOT NULL,
    -- What it asks its owner's client for, and what it was told.
    inputs bytea,
    answer bytea,
    header bytea,
    pages_end bytea,
    chunks bigint NOT NULL DEFAULT 0,
    -- Of this record, and of its answer and pages.
    asked_bytes bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    ttl_ms bigint NOT NULL,
    -- Once it has ended.
    expires_at timestamptz
);
CREATE INDEX task_turn ON pgwarden.task (owner, (attempts > 0) DESC, number) WHERE state = 'queued';
CREATE INDEX task_listed ON pgwarden.task (owner, number) WHERE listed;
CREATE INDEX task_owner ON pgwarden.task (owner);
CREATE INDEX task_same ON pgwarden.task (owner, fingerprint) WHERE listed AND state IN ('queued', 'running');
CREATE INDEX task_held ON pgwarden.task (holder) WHERE holder IS NOT NULL;
CREATE INDEX task_expires ON pgwarden.task (expires_at) WHERE holder IS NULL AND expires_at IS NOT NULL;

-- Rows behind the first page.
CREATE TABLE pgwarden.chunk (
    task bytea NOT NULL REFERENCES pgwarden.task (id) ON DELETE CASCADE,
    number bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (task, number)
);
-- It is compressed before it is sealed.
ALTER TABLE pgwarden.chunk ALTER COLUMN sealed SET STORAGE EXTERNAL;
