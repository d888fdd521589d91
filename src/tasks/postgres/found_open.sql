-- $1 how many. The oldest come first; their order is put right by who reads.
WITH found AS (
    SELECT task.*, NULL::text AS told
    FROM pgwarden.task
    WHERE task.listed AND task.state IN ('queued', 'running')
    ORDER BY task.number
    LIMIT $1
)

