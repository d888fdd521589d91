SELECT
  COALESCE(
    pg_catalog.array_agg(DISTINCT l.relation)
      FILTER (WHERE l.locktype OPERATOR(pg_catalog.=) 'relation'::pg_catalog.text),
    '{}'::pg_catalog.oid[]
  ),
  COALESCE(
    pg_catalog.bool_or(
      CASE
        WHEN l.locktype OPERATOR(pg_catalog.=) 'relation'::pg_catalog.text
          THEN l.mode OPERATOR(pg_catalog.<>) 'AccessShareLock'::pg_catalog.text
        ELSE l.locktype OPERATOR(pg_catalog.<>) 'virtualxid'::pg_catalog.text
      END
    ),
    FALSE
  ),
  pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'on'::pg_catalog.text,
  CURRENT_USER::pg_catalog.text,
  SESSION_USER::pg_catalog.text,
  pg_catalog.current_setting('standard_conforming_strings') OPERATOR(pg_catalog.=) 'on'::pg_catalog.text
FROM pg_catalog.pg_lock_status() AS l
WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
