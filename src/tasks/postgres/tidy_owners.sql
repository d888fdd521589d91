DELETE FROM pgwarden.owner
WHERE owner.queued = 0 AND owner.running = 0 AND owner.bytes = 0
    AND NOT EXISTS (SELECT FROM pgwarden.task WHERE task.owner = owner.key)
