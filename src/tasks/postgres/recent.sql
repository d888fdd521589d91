-- What may have changed in the last $1 ms.
SELECT task.id, task.state = 'cancelled'
FROM pgwarden.task
WHERE task.state = 'running' OR task.updated_at > pg_catalog.now() - $1 * interval '1 ms'
