-- $1 issuer and $2 subject of one requester: how many of theirs are open, and of all.
SELECT pg_catalog.count(*) FILTER (WHERE approval.issuer = $1 AND approval.subject = $2), pg_catalog.count(*)
FROM pgwarden.approval
WHERE approval.state IN ('pending', 'approved') AND approval.expires_at > pg_catalog.clock_timestamp()
