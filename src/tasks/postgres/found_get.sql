WITH found AS (
    SELECT task.*, NULL::text AS told
    FROM pgwarden.task JOIN pgwarden.owner ON owner.key = task.owner
    WHERE task.id = $1 AND owner.issuer = $2 AND owner.subject = $3 AND owner.client = $4
)
