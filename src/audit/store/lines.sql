SELECT seq, line FROM pgwarden.audit_record WHERE seq > $1 ORDER BY seq LIMIT 1000
