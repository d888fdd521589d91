-- $1 issuer and $2 subject of one requester, $3 whether those of all others too.
WITH approval AS (
    SELECT *
    FROM pgwarden.approval
    WHERE approval.state = 'pending' AND approval.expires_at > pg_catalog.clock_timestamp()
        AND ($3 OR (approval.issuer = $1 AND approval.subject = $2))
)
