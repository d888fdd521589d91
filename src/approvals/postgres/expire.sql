WITH approval AS (
    UPDATE pgwarden.approval SET state = 'expired'
    WHERE approval.state IN ('pending', 'approved') AND approval.expires_at <= pg_catalog.clock_timestamp()
    RETURNING *
)
