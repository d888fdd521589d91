WITH found AS (
    SELECT task.*, NULL::text AS told
    FROM pgwarden.task JOIN pgwarden.owner ON owner.key = task.owner
    WHERE owner.issuer = $1 AND owner.subject = $2 AND owner.client = $3
        AND task.fingerprint = $4 AND task.listed AND task.state IN ('queued', 'running')
    ORDER BY task.number
    LIMIT 1
)
