, counted AS (
  SELECT
    GREATEST(d.stats_reset, pg_postmaster_start_time()) AS since
  FROM pg_stat_database AS d
  WHERE d.datname = current_database()
)
SELECT
  json_build_object(
    'parts', i.parts,
    'names', json_build_array(i.name),
    'object', i.name,
    'severity', CASE WHEN c.since < now() - INTERVAL '30 days' THEN 'warning' ELSE 'notice' END,
    'evidence', json_build_object(
      'table', i.table_name,
      'scans', 0,
      'bytes', i.bytes,
      'counted_since', to_char(c.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    ),
    'remedy', format('DROP INDEX CONCURRENTLY %s', i.name)
  )::text
FROM indexes AS i
CROSS JOIN counted AS c
WHERE
  i.is_valid
  AND NOT i.is_unique
  AND NOT i.is_needed
  AND NOT i.is_partitioned
  AND i.bytes >= 1024 * 1024
  AND pg_stat_get_numscans(i.indexrelid) = 0
ORDER BY i.bytes DESC, i.name
LIMIT 2000
