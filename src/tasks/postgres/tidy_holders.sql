DELETE FROM pgwarden.holder
WHERE holder.beat_at < pg_catalog.now() - $1 * interval '1 ms'
    AND NOT EXISTS (SELECT FROM pgwarden.task WHERE task.holder = holder.id)
