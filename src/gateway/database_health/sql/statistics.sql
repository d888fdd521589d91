SELECT
  json_build_object(
    'parts', t.parts,
    'rows', TRUE,
    'object', t.name,
    'severity', CASE WHEN t.analyzed IS NULL THEN 'warning' ELSE 'notice' END,
    'evidence', json_build_object(
      'live_rows', t.live,
      'modified_since_analyze', t.modified,
      'analyzed', COALESCE(to_char(t.analyzed AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'never')
    ),
    'remedy', format('ANALYZE %s', t.name)
  )::text
FROM tables AS t
WHERE
  t.live >= 50
  AND (t.analyzed IS NULL AND t.modified >= 50 OR t.modified > 1000 + t.live * 0.2)
ORDER BY t.analyzed IS NOT NULL, t.modified DESC, t.name
LIMIT 2000
