-- One at a time does this ($1 is the lock): the others need not.
WITH turn AS MATERIALIZED (
    SELECT pg_catalog.pg_try_advisory_xact_lock($1) AS ours
), t AS MATERIALIZED (
    SELECT task.id
    FROM pgwarden.task
    WHERE (SELECT turn.ours FROM turn) AND task.holder IS NULL AND task.expires_at <= pg_catalog.now()
    ORDER BY task.expires_at
    LIMIT 500
    FOR UPDATE SKIP LOCKED
), d AS (
    DELETE FROM pgwarden.task USING t WHERE task.id = t.id RETURNING task.owner, task.bytes + task.asked_bytes AS bytes
), u AS (
    UPDATE pgwarden.owner SET bytes = owner.bytes - freed.bytes
    FROM (SELECT d.owner, pg_catalog.sum(d.bytes)::int8 AS bytes FROM d GROUP BY d.owner) AS freed
    WHERE owner.key = freed.owner
    RETURNING freed.bytes
), g AS (
    UPDATE pgwarden.total SET bytes = total.bytes - freed.bytes
    FROM (SELECT pg_catalog.sum(u.bytes)::int8 AS bytes FROM u) AS freed
    WHERE freed.bytes IS NOT NULL
)
SELECT pg_catalog.count(*) FROM d
