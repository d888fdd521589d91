-- The audit log, where the configuration keeps it here: one chain of all replicas. A line is the record as it would stand in
-- a file; nothing in it is sealed, so that it can be read by SQL: (line::jsonb)->>'subject'.
CREATE TABLE pgwarden.audit_record (
    seq bigint PRIMARY KEY,
    line text NOT NULL
);

-- The last record: whoever appends locks it.
CREATE TABLE pgwarden.audit_head (
    single boolean PRIMARY KEY DEFAULT TRUE CHECK (single),
    seq bigint NOT NULL,
    hash text NOT NULL
) WITH (fillfactor = 10);
INSERT INTO pgwarden.audit_head (seq, hash) VALUES (0, pg_catalog.repeat('0', 64));
