-- $1 id, $2 holder, $3 state, $4 message, $5 answer, $6 header, $7 bytes, $8 grace. With a header pages go on.
WITH c AS (
    UPDATE pgwarden.task
    SET state = $3, message = $4, answer = $5, header = $6, bytes = task.bytes + $7,
        holder = CASE WHEN $6 IS NOT NULL THEN $2 END,
        updated_at = pg_catalog.now(),
        expires_at = GREATEST(
            task.created_at + task.ttl_ms * interval '1 ms', pg_catalog.now() + $8 * interval '1 ms'
        )
    WHERE task.id = $1 AND task.holder = $2 AND task.state = 'running'
    RETURNING task.id, task.owner
), u AS (
    UPDATE pgwarden.owner SET running = owner.running - 1, bytes = owner.bytes + $7
    FROM c
    WHERE owner.key = c.owner
    RETURNING c.id
), g AS (
    UPDATE pgwarden.total SET open = total.open - 1, bytes = total.bytes + $7 FROM u RETURNING u.id
)
SELECT pg_catalog.pg_notify('pgwarden_tasks', '=' || pg_catalog.encode(g.id, 'hex'))::text FROM g
