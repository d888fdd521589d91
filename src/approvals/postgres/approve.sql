-- $1 id, $2 the person's key, $3 who they are. Of two who say it at once the second sees what the first has said.
WITH approval AS (
    UPDATE pgwarden.approval
    SET state = CASE WHEN approval.people = 1 OR approval.first IS NOT NULL THEN 'approved' ELSE 'pending' END,
        first_key = COALESCE(approval.first_key, $2),
        first = COALESCE(approval.first, $3),
        second = CASE WHEN approval.first IS NOT NULL THEN $3 END
    WHERE approval.id = $1 AND approval.state = 'pending' AND approval.expires_at > pg_catalog.clock_timestamp()
        AND approval.first_key IS DISTINCT FROM $2
    RETURNING approval.id
)
SELECT approval.id
