-- $1 holder, $2 for how long at least.
SELECT task.id
FROM pgwarden.task
WHERE task.holder = $1 AND task.updated_at <= pg_catalog.now() - $2 * interval '1 ms'
