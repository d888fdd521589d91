SELECT approval.id, approval.issuer, approval.subject,
    CASE
        WHEN approval.state IN ('pending', 'approved') AND approval.expires_at <= pg_catalog.clock_timestamp()
        THEN 'expired'
        ELSE approval.state
    END,
    approval.asked, approval.first, approval.second, approval.refusal,
    (EXTRACT(EPOCH FROM approval.created_at) * 1000000)::int8,
    (EXTRACT(EPOCH FROM approval.expires_at) * 1000000)::int8
