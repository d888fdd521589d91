-- $1 id, $2 holder, $3 number of the chunk, $4 chunk, $5 its bytes, $6 most of the answer's, $7 of the owner's, $8 of all.
-- No row: not the holder's, or another chunk came between.
WITH t AS MATERIALIZED (
    SELECT task.id, task.owner, task.bytes
    FROM pgwarden.task
    WHERE task.id = $1 AND task.holder = $2 AND task.chunks = $3
    FOR NO KEY UPDATE
), o AS MATERIALIZED (
    SELECT owner.key, owner.bytes
    FROM pgwarden.owner JOIN t ON owner.key = t.owner
    FOR NO KEY UPDATE OF owner
), g AS (
    UPDATE pgwarden.total SET bytes = total.bytes + $5
    FROM t CROSS JOIN o
    WHERE t.bytes + $5 <= $6 AND o.bytes + $5 <= $7 AND total.bytes + $5 <= $8
    RETURNING o.key, t.id
), u AS (
    UPDATE pgwarden.owner SET bytes = owner.bytes + $5 FROM g WHERE owner.key = g.key
), c AS (
    UPDATE pgwarden.task SET bytes = task.bytes + $5, chunks = task.chunks + 1 FROM g WHERE task.id = g.id
), i AS (
    -- What stood there belongs to pages that were forgotten.
    INSERT INTO pgwarden.chunk (task, number, sealed) SELECT g.id, $3, $4 FROM g
    ON CONFLICT (task, number) DO UPDATE SET sealed = excluded.sealed
)
SELECT g.id IS NOT NULL, CASE
    WHEN g.id IS NOT NULL
    THEN pg_catalog.pg_notify('pgwarden_tasks', '=' || pg_catalog.encode(g.id, 'hex'))::text
END
FROM t LEFT JOIN g ON TRUE
