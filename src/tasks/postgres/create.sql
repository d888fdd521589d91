-- $1 id, $2..$4 owner, $5 fingerprint, $6 question, $7 message, $8 listed, $9 holder, $10 ttl, $11 most of the owner's,
-- $12 most of all, $13 most bytes of the owner's, $14 of all, $15 bytes of the record.
-- No row: the owner is not known yet.
WITH o AS MATERIALIZED (
    SELECT owner.key, owner.queued + owner.running AS open, owner.bytes
    FROM pgwarden.owner
    WHERE owner.issuer = $2 AND owner.subject = $3 AND owner.client = $4
    FOR NO KEY UPDATE
), t AS (
    UPDATE pgwarden.total SET open = total.open + 1, bytes = total.bytes + $15
    FROM o
    WHERE o.open < $11 AND total.open < $12 AND o.bytes < $13 AND ($8 OR total.bytes < $14)
    RETURNING o.key
), u AS (
    UPDATE pgwarden.owner
    SET queued = owner.queued + ($9 IS NULL)::int, running = owner.running + ($9 IS NOT NULL)::int,
        bytes = owner.bytes + $15
    FROM t
    WHERE owner.key = t.key
    RETURNING owner.key
), i AS (
    INSERT INTO pgwarden.task
        (id, owner, fingerprint, question, message, listed, holder, state, attempts, ttl_ms, asked_bytes)
    SELECT $1, u.key, $5, $6, $7, $8, $9, CASE WHEN $9 IS NULL THEN 'queued' ELSE 'running' END,
        ($9 IS NOT NULL)::int, $10, $15
    FROM u
    RETURNING task.id, (EXTRACT(EPOCH FROM task.created_at) * 1000000)::int8 AS created
)
SELECT o.open, total.open, o.bytes, total.bytes, i.created,
    CASE
        WHEN i.id IS NOT NULL
        THEN pg_catalog.pg_notify('pgwarden_tasks', '=' || pg_catalog.encode(i.id, 'hex'))::text
    END
FROM o CROSS JOIN pgwarden.total LEFT JOIN i ON TRUE
