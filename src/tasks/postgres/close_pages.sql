WITH c AS (
    UPDATE pgwarden.task SET pages_end = $3, holder = NULL
    WHERE task.id = $1 AND task.holder = $2 AND task.state NOT IN ('queued', 'running')
    RETURNING task.id
)
SELECT pg_catalog.pg_notify('pgwarden_tasks', '=' || pg_catalog.encode(c.id, 'hex'))::text FROM c
