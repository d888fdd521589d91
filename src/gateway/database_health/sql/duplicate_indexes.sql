SELECT
  json_build_object(
    'parts', d.parts,
    'names', json_build_array(d.name, d.kept),
    'object', d.name,
    'severity', 'warning',
    'evidence', json_build_object('table', d.table_name, 'duplicate_of', d.kept, 'bytes', d.bytes),
    'remedy', format('DROP INDEX CONCURRENTLY %s', d.name)
  )::text
FROM (
  SELECT DISTINCT ON (i.indexrelid)
    i.*,
    k.name AS kept
  FROM indexes AS i
  JOIN indexes AS k ON k.indrelid = i.indrelid AND k.shape = i.shape AND k.indexrelid <> i.indexrelid
  WHERE
    i.is_valid
    AND k.is_valid
    AND NOT i.is_partitioned
    AND NOT i.is_needed
    AND (k.is_unique OR NOT i.is_unique)
    -- Of two that can do without each other the younger one.
    AND (k.is_needed OR (k.is_unique AND NOT i.is_unique) OR k.indexrelid < i.indexrelid)
  ORDER BY i.indexrelid, k.is_needed DESC, k.indexrelid
) AS d
ORDER BY d.bytes DESC, d.name
LIMIT 2000
