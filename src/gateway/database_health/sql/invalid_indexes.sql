SELECT
  json_build_object(
    'parts', i.parts,
    'names', json_build_array(i.name),
    'object', i.name,
    'severity', 'warning',
    'evidence', json_build_object('table', i.table_name, 'bytes', i.bytes, 'unique', i.is_unique),
    'remedy', format('REINDEX INDEX CONCURRENTLY %s', i.name)
  )::text
FROM indexes AS i
WHERE
  NOT i.is_valid
  AND NOT i.is_partitioned
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid)
ORDER BY i.bytes DESC, i.name
LIMIT 2000
