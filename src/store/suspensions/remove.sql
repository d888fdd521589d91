WITH removed AS (
    DELETE FROM pgwarden.suspension WHERE target = $1 RETURNING 1
)
SELECT pg_catalog.pg_notify('pgwarden_suspensions', '')::text FROM removed
