-- $1 id, $2 the inputs as they were read, $3 with the responses. What is sealed is never the same twice.
WITH u AS (
    UPDATE pgwarden.task SET inputs = $3
    WHERE task.id = $1 AND task.inputs = $2 AND task.state = 'running'
    RETURNING task.id
)
SELECT pg_catalog.pg_notify('pgwarden_tasks', '=' || pg_catalog.encode(u.id, 'hex'))::text FROM u
