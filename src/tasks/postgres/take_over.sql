-- $1 id, $2 holder, $3 patience (0: it ends by itself), $4 end of pages, $5 message, $6 answer, $7 its bytes, $8 grace,
-- $9 most attempts.
WITH t AS MATERIALIZED (
    SELECT task.id, task.owner, task.bytes,
        task.state = 'running' AS runs,
        task.listed AND task.attempts < $9 AND task.chunks = 0 AS goes_on
    FROM pgwarden.task
    WHERE task.id = $1 AND task.holder = $2 AND ($3 = 0 OR COALESCE(
        (SELECT holder.beat_at FROM pgwarden.holder WHERE holder.id = $2), task.updated_at
    ) < pg_catalog.now() - $3 * interval '1 ms')
    FOR NO KEY UPDATE
), closed AS (
    UPDATE pgwarden.task SET holder = NULL, pages_end = $4
    FROM t
    WHERE task.id = t.id AND NOT t.runs
    RETURNING task.id
), again AS (
    UPDATE pgwarden.task SET holder = NULL, state = 'queued', inputs = NULL
    FROM t
    WHERE task.id = t.id AND t.runs AND t.goes_on
    RETURNING task.id, task.owner, 0::int8 AS more
), ended AS (
    UPDATE pgwarden.task
    SET holder = NULL, state = 'completed', message = $5, answer = $6, bytes = $7, chunks = 0,
        updated_at = pg_catalog.now(),
        expires_at = GREATEST(
            task.created_at + task.ttl_ms * interval '1 ms', pg_catalog.now() + $8 * interval '1 ms'
        )
    FROM t
    WHERE task.id = t.id AND t.runs AND NOT t.goes_on
    RETURNING task.id, task.owner, $7 - t.bytes AS more
), d AS (
    DELETE FROM pgwarden.chunk USING ended WHERE chunk.task = ended.id
), m AS (
    SELECT again.id, again.owner, again.more, 0 AS ended FROM again
    UNION ALL
    SELECT ended.id, ended.owner, ended.more, 1 FROM ended
), u AS (
    UPDATE pgwarden.owner
    SET queued = owner.queued + 1 - m.ended, running = owner.running - 1, bytes = owner.bytes + m.more
    FROM m
    WHERE owner.key = m.owner
    RETURNING m.id, m.more, m.ended
), g AS (
    UPDATE pgwarden.total SET open = total.open - u.ended, bytes = total.bytes + u.more FROM u
)
SELECT pg_catalog.pg_notify('pgwarden_tasks', '=' || pg_catalog.encode(changed.id, 'hex'))::text
FROM (SELECT closed.id FROM closed UNION ALL SELECT m.id FROM m) AS changed
