WITH over AS (
    DELETE FROM pgwarden.suspension WHERE until <= pg_catalog.clock_timestamp() AND target <> $1
), added AS (
    INSERT INTO pgwarden.suspension (target, reason, suspended_by, until)
    VALUES ($1, $2, $3, CASE WHEN $4 > 0 THEN pg_catalog.now() + $4 * interval '1 millisecond' END)
    ON CONFLICT (target) DO UPDATE
    SET reason = excluded.reason, suspended_by = excluded.suspended_by, suspended_at = excluded.suspended_at,
        until = excluded.until
    RETURNING 1
)
SELECT pg_catalog.pg_notify('pgwarden_suspensions', '')::text FROM added
