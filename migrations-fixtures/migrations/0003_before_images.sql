-- Rows as they were before a statement changed them, where a policy keeps them. Whose they are and what they hold is sealed
-- (bytea) with the server's key.
CREATE TABLE pgwarden.before_image (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    -- FALSE until COMMIT has answered: then it is not known whether the statement happened.
    committed boolean NOT NULL DEFAULT FALSE,
    about bytea NOT NULL,
    rows bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX before_image_created ON pgwarden.before_image (created_at);
CREATE INDEX before_image_expires ON pgwarden.before_image (expires_at);
ALTER TABLE pgwarden.before_image ALTER COLUMN rows SET STORAGE EXTERNAL;
