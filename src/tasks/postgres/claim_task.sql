), t AS MATERIALIZED (
    SELECT task.id
    FROM pgwarden.task
    WHERE task.owner = (SELECT o.key FROM o) AND task.state = 'queued'
    ORDER BY (task.attempts > 0) DESC, task.number
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
), c AS (
    UPDATE pgwarden.task
    SET state = 'running', holder = $1, attempts = task.attempts + 1, updated_at = pg_catalog.now()
    FROM t
    WHERE task.id = t.id AND task.state = 'queued'
    RETURNING task.*
), u AS (
    UPDATE pgwarden.owner
    SET queued = owner.queued - 1, running = owner.running + 1, claimed = pg_catalog.nextval('pgwarden.turn')
    FROM c
    WHERE owner.key = c.owner
), found AS (
    SELECT c.*, '='::text AS told FROM c
)
