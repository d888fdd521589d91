SELECT 1
FROM pgwarden.audit_record
WHERE seq = $1 AND pg_catalog.right(line, 66) = $2 || '"}'
