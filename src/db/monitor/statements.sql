SELECT
  g.queryid,
  g.text,
  g.calls,
  g.total_ms,
  g.total_ms OPERATOR(pg_catalog./) GREATEST(g.calls, 1)::float8 AS mean_ms,
  g.returned,
  g.blocks_hit,
  g.blocks_read,
  g.temp_blocks,
  g.wal_bytes
FROM (
  SELECT
    s.queryid,
    pg_catalog.min(s.query) AS text,
    pg_catalog.sum(s.calls)::int8 AS calls,
    pg_catalog.sum(s.total_exec_time) AS total_ms,
    pg_catalog.sum(s.rows)::int8 AS returned,
    pg_catalog.sum(s.shared_blks_hit)::int8 AS blocks_hit,
    pg_catalog.sum(s.shared_blks_read)::int8 AS blocks_read,
    pg_catalog.sum(s.temp_blks_read OPERATOR(pg_catalog.+) s.temp_blks_written)::int8 AS temp_blocks,
    pg_catalog.sum(s.wal_bytes)::int8 AS wal_bytes
  FROM pg_stat_statements AS s
  WHERE
    s.dbid OPERATOR(pg_catalog.=) (
      SELECT d.oid
      FROM pg_catalog.pg_database AS d
      WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
    )
    AND s.userid OPERATOR(pg_catalog.<>) (
      SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) CURRENT_USER
    )
    AND s.queryid IS NOT NULL
    -- Utility statements hold their constants as they were written.
    AND s.query OPERATOR(pg_catalog.~*)
      '^(\s|\(|--[^\n]*\n|/\*([^*]|\*+[^*/])*\*+/)*(select|insert|update|delete|merge|with|values|table)\M'
  GROUP BY s.queryid
) AS g
ORDER BY
  CASE $1
    WHEN 'calls' THEN g.calls::float8
    WHEN 'mean_time' THEN g.total_ms OPERATOR(pg_catalog./) GREATEST(g.calls, 1)::float8
    WHEN 'rows' THEN g.returned::float8
    WHEN 'io' THEN (g.blocks_read OPERATOR(pg_catalog.+) g.temp_blocks)::float8
    ELSE g.total_ms
  END DESC,
  g.queryid
LIMIT $2
