    , pg_catalog.pg_notify('pgwarden_approvals', pg_catalog.encode(approval.id, 'hex'))::text
FROM approval
