-- $1..$3 owner, $4 those created before this one, $5 how many.
WITH o AS (
    SELECT owner.key FROM pgwarden.owner WHERE owner.issuer = $1 AND owner.subject = $2 AND owner.client = $3
), found AS (
    SELECT task.*, NULL::text AS told
    FROM pgwarden.task
    WHERE task.owner = (SELECT o.key FROM o) AND task.listed AND task.number < CASE
        WHEN $4 IS NULL THEN 9223372036854775807
        ELSE COALESCE(
            (SELECT b.number FROM pgwarden.task AS b WHERE b.id = $4 AND b.owner = (SELECT o.key FROM o)), 0
        )
    END
    ORDER BY task.number DESC
    LIMIT $5
)
