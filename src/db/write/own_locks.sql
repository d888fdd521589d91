SELECT
  COALESCE(
    pg_catalog.array_agg(DISTINCT l.relation)
      FILTER (WHERE l.mode OPERATOR(pg_catalog.=) 'AccessShareLock'::pg_catalog.text AND l.relation IS NOT NULL),
    '{}'::pg_catalog.oid[]
  ),
  COALESCE(
    pg_catalog.array_agg(DISTINCT l.relation)
      FILTER (WHERE l.mode OPERATOR(pg_catalog.=) 'RowShareLock'::pg_catalog.text AND l.relation IS NOT NULL),
    '{}'::pg_catalog.oid[]
  ),
  COALESCE(
    pg_catalog.array_agg(DISTINCT l.relation)
      FILTER (WHERE l.mode OPERATOR(pg_catalog.=) 'RowExclusiveLock'::pg_catalog.text AND l.relation IS NOT NULL),
    '{}'::pg_catalog.oid[]
  ),
  COALESCE(
    pg_catalog.bool_or(
      CASE l.locktype
        WHEN 'relation'::pg_catalog.text THEN
          l.mode OPERATOR(pg_catalog.<>) ALL ('{AccessShareLock,RowShareLock,RowExclusiveLock}'::pg_catalog.text[])
        WHEN 'virtualxid'::pg_catalog.text THEN FALSE
        WHEN 'transactionid'::pg_catalog.text THEN FALSE
        ELSE TRUE
      END
    ),
    FALSE
  ),
  CURRENT_USER::pg_catalog.text,
  SESSION_USER::pg_catalog.text,
  pg_catalog.current_setting('standard_conforming_strings') OPERATOR(pg_catalog.=) 'on'::pg_catalog.text,
  pg_catalog.current_setting('transaction_isolation')
FROM pg_catalog.pg_lock_status() AS l
WHERE
  l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
  AND (l.locktype OPERATOR(pg_catalog.<>) 'relation'::pg_catalog.text OR l.relation IS NOT NULL)
