FROM approval
ORDER BY approval.created_at, approval.id
