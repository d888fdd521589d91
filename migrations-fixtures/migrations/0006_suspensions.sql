-- What is suspended: of whom, why, and until when. A DBA can read it, and no caller's data is in it.
CREATE TABLE pgwarden.suspension (
    -- As JSON, its keys in one order: the same target is the same text.
    target text PRIMARY KEY,
    reason text NOT NULL,
    suspended_by text NOT NULL,
    suspended_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    -- NULL: until it is resumed.
    until timestamptz
);
