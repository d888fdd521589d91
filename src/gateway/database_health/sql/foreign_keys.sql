SELECT
  json_build_object(
    'parts', json_build_array(
      json_build_object('relation', k.conrelid::int8, 'columns', l.names),
      json_build_object('relation', k.confrelid::int8, 'columns', ARRAY(
        SELECT a.attname::text
        FROM unnest(k.confkey) AS u (attnum)
        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum
      ))
    ),
    'object', format('%I.%I', n.nspname, t.relname),
    'severity', 'warning',
    'evidence', json_build_object(
      'columns', l.names,
      'references', format('%I.%I', m.nspname, r.relname),
      'table_bytes', t.relpages::int8 * current_setting('block_size')::int8
    ),
    'remedy', format(
      'CREATE INDEX %sON %I.%I (%s)',
      CASE WHEN t.relkind = 'p' THEN '' ELSE 'CONCURRENTLY ' END,
      n.nspname, t.relname, l.quoted
    )
  )::text
FROM pg_constraint AS k
JOIN pg_class AS t ON t.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_class AS r ON r.oid = k.confrelid
JOIN pg_namespace AS m ON m.oid = r.relnamespace
CROSS JOIN LATERAL (
  SELECT
    array_agg(a.attname::text ORDER BY u.at) AS names,
    string_agg(quote_ident(a.attname), ', ' ORDER BY u.at) AS quoted
  FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, at)
  JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
) AS l
WHERE
  k.contype = 'f'
  AND k.conrelid = ANY (($1::text)::oid[])
  AND k.conparentid = 0
  AND NOT EXISTS (
    SELECT
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS a ON a.oid = c.relam
    WHERE
      i.indrelid = k.conrelid
      AND i.indisvalid
      AND i.indpred IS NULL
      AND a.amname IN ('btree', 'hash')
      -- Its first columns are those of the key, in any order.
      AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
  )
ORDER BY t.relpages DESC, n.nspname, t.relname, k.conname
LIMIT 2000
