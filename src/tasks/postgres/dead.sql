-- $1 patience. A holder that has not beaten yet lives as long as what it began is young.
SELECT task.id, task.holder
FROM pgwarden.task LEFT JOIN pgwarden.holder ON holder.id = task.holder
WHERE task.holder IS NOT NULL
    AND COALESCE(holder.beat_at, task.updated_at) < pg_catalog.now() - $1 * interval '1 ms'
LIMIT 500
