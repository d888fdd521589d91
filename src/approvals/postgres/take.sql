-- $1 id, $2 digest.
WITH approval AS (
    UPDATE pgwarden.approval
    SET state = 'used'
    WHERE approval.id = $1 AND approval.digest = $2 AND approval.state = 'approved'
        AND approval.expires_at > pg_catalog.clock_timestamp()
    RETURNING approval.id
)
SELECT approval.id
