-- $1 id, $2..$4 owner, $5 message, $6 grace. The lock tells who came first.
WITH t AS MATERIALIZED (
    SELECT task.*
    FROM pgwarden.task JOIN pgwarden.owner ON owner.key = task.owner
    WHERE task.id = $1 AND owner.issuer = $2 AND owner.subject = $3 AND owner.client = $4
    FOR NO KEY UPDATE OF task
), c AS (
    UPDATE pgwarden.task
    SET state = 'cancelled', message = $5, holder = NULL, chunks = 0, bytes = 0,
        updated_at = pg_catalog.now(),
        expires_at = GREATEST(
            task.created_at + task.ttl_ms * interval '1 ms', pg_catalog.now() + $6 * interval '1 ms'
        )
    FROM t
    WHERE task.id = t.id AND t.state IN ('queued', 'running')
    RETURNING task AS ended, t.state AS before, t.bytes AS freed
), d AS (
    DELETE FROM pgwarden.chunk USING c WHERE chunk.task = (c.ended).id
), u AS (
    UPDATE pgwarden.owner
    SET queued = owner.queued - (c.before = 'queued')::int,
        running = owner.running - (c.before = 'running')::int,
        bytes = owner.bytes - c.freed
    FROM c
    WHERE owner.key = (c.ended).owner
    RETURNING c.freed
), g AS (
    UPDATE pgwarden.total SET open = total.open - 1, bytes = total.bytes - u.freed FROM u
), found AS (
    SELECT (c.ended).*, '!'::text AS told FROM c
    UNION ALL
    -- Rows behind its first page may still be read.
    SELECT t.*, CASE WHEN t.holder IS NOT NULL THEN '!' END FROM t WHERE t.state NOT IN ('queued', 'running')
)
