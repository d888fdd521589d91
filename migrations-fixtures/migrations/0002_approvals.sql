-- Writes that wait for a person's word. What is asked, and what was said of it, is sealed (bytea) with the server's key;
-- who asked, and how far it is, stays readable.
CREATE TABLE pgwarden.approval (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    -- The person who asked.
    issuer text NOT NULL,
    subject text NOT NULL,
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'approved', 'refused', 'used', 'expired')),
    -- SHA-256 of all that is approved, keyed: nothing can be guessed from it.
    digest bytea NOT NULL,
    asked bytea NOT NULL,
    -- People who have to approve, and those who have: keyed, so that the same person is seen to be the same, and sealed.
    people bigint NOT NULL CHECK (people IN (1, 2)),
    first_key bytea,
    first bytea,
    second bytea,
    -- Who refused it, and why.
    refusal bytea,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX approval_open ON pgwarden.approval (issuer, subject) WHERE state IN ('pending', 'approved');
CREATE INDEX approval_expires ON pgwarden.approval (expires_at);
