-- The own ones before it, and as many of each other owner's.
WITH own AS (
    SELECT task.owner, (
        SELECT pg_catalog.count(*)
        FROM pgwarden.task AS b
        WHERE b.owner = task.owner AND b.state = 'queued' AND (
            (b.attempts > 0 AND task.attempts = 0)
            OR ((b.attempts > 0) = (task.attempts > 0) AND b.number < task.number)
        )
    ) AS before
    FROM pgwarden.task JOIN pgwarden.owner ON owner.key = task.owner
    WHERE task.id = $1 AND task.state = 'queued'
        AND owner.issuer = $2 AND owner.subject = $3 AND owner.client = $4
)
SELECT (own.before + COALESCE((
    SELECT pg_catalog.sum(LEAST(owner.queued, own.before + 1))
    FROM pgwarden.owner
    WHERE owner.queued > 0 AND owner.key <> own.owner
), 0))::int8
FROM own
