WITH c AS (
    UPDATE pgwarden.task SET message = $3, updated_at = pg_catalog.now()
    WHERE task.id = $1 AND task.holder = $2 AND task.state = 'running'
    RETURNING task.id
)
SELECT pg_catalog.pg_notify('pgwarden_tasks', '=' || pg_catalog.encode(c.id, 'hex'))::text FROM c
