SELECT
  l.relation,
  pg_catalog.date_part('epoch'::pg_catalog.text, pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) l.waitstart),
  pg_catalog.pg_blocking_pids(l.pid)
FROM pg_catalog.pg_lock_status() AS l
WHERE l.pid OPERATOR(pg_catalog.=) $1 AND NOT l.granted
LIMIT 1
