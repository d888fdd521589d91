-- $1 id, $2 holder, $3 inputs.
WITH u AS (
    UPDATE pgwarden.task SET inputs = $3
    WHERE task.id = $1 AND task.holder = $2 AND task.state = 'running'
    RETURNING task.id
)
SELECT pg_catalog.pg_notify('pgwarden_tasks', '=' || pg_catalog.encode(u.id, 'hex'))::text FROM u
