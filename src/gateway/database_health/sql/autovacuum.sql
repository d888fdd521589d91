, options AS (
  SELECT
    t.*,
    COALESCE(
      (SELECT o.option_value::bool FROM pg_options_to_table(t.reloptions) AS o WHERE o.option_name = 'autovacuum_enabled'),
      TRUE
    ) AS enabled,
    COALESCE(
      (SELECT o.option_value::float8 FROM pg_options_to_table(t.reloptions) AS o WHERE o.option_name = 'autovacuum_vacuum_threshold'),
      current_setting('autovacuum_vacuum_threshold')::float8
    ) + t.tuples * COALESCE(
      (SELECT o.option_value::float8 FROM pg_options_to_table(t.reloptions) AS o WHERE o.option_name = 'autovacuum_vacuum_scale_factor'),
      current_setting('autovacuum_vacuum_scale_factor')::float8
    ) AS due_at
  FROM tables AS t
), found AS (
  SELECT
    1 AS rank,
    0::int8 AS dead,
    '[]'::json AS parts,
    FALSE AS rows,
    NULL AS name,
    'critical' AS severity,
    json_build_object(
      'autovacuum', current_setting('autovacuum'), 'track_counts', current_setting('track_counts')
    ) AS evidence,
    'ALTER SYSTEM SET autovacuum = on; ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf()' AS remedy
  WHERE current_setting('autovacuum') <> 'on' OR current_setting('track_counts') <> 'on'
  UNION ALL
  SELECT
    2,
    t.dead,
    t.parts,
    TRUE,
    t.name,
    CASE WHEN t.dead > 10 * t.due_at THEN 'warning' ELSE 'notice' END,
    json_build_object(
      'dead_rows', t.dead,
      'live_rows', t.live,
      'vacuum_due_at', round(t.due_at::numeric),
      'vacuumed', COALESCE(to_char(t.vacuumed AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'never')
    ),
    format('VACUUM (ANALYZE) %s', t.name)
  FROM options AS t
  WHERE t.dead > 1000 AND t.dead > 2 * t.due_at
  UNION ALL
  SELECT
    3,
    0,
    t.parts,
    FALSE,
    t.name,
    'notice',
    json_build_object('autovacuum_enabled', FALSE),
    format('ALTER TABLE %s RESET (autovacuum_enabled)', t.name)
  FROM options AS t
  WHERE NOT t.enabled
)
SELECT
  json_build_object(
    'parts', f.parts, 'rows', f.rows, 'object', f.name, 'severity', f.severity, 'evidence', f.evidence, 'remedy', f.remedy
  )::text
FROM found AS f
ORDER BY f.rank, f.dead DESC, f.name
LIMIT 2000
