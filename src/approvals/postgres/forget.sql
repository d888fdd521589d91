-- $1 milliseconds that what has ended is kept.
DELETE FROM pgwarden.approval
WHERE approval.expires_at + $1 * interval '1 ms' <= pg_catalog.clock_timestamp()
