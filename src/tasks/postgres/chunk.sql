SELECT chunk.sealed
FROM pgwarden.chunk
    JOIN pgwarden.task ON task.id = chunk.task
    JOIN pgwarden.owner ON owner.key = task.owner
WHERE chunk.task = $1 AND chunk.number = $5 AND chunk.number < task.chunks
    AND owner.issuer = $2 AND owner.subject = $3 AND owner.client = $4
