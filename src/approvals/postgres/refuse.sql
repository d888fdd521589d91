-- $1 id, $2 who, and why.
WITH approval AS (
    UPDATE pgwarden.approval
    SET state = 'refused', refusal = $2
    WHERE approval.id = $1 AND approval.state = 'pending' AND approval.expires_at > pg_catalog.clock_timestamp()
    RETURNING approval.id
)
SELECT approval.id
