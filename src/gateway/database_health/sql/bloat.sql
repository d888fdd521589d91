-- What the rows need by their average widths, against what the table or index takes. An estimate: alignment between
-- columns and values stored out of line are not seen.
, sizes AS (
  SELECT current_setting('block_size')::int8 AS block
), widths AS (
  SELECT
    c.oid,
    a.attnum,
    s.avg_width * (1 - s.null_frac) AS width,
    s.null_frac > 0 AS has_nulls
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_stats AS s
    ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
  WHERE c.relkind IN ('r', 'm')
), needed AS (
  SELECT
    t.name,
    t.name AS table_name,
    t.parts,
    FALSE AS is_index,
    t.pages,
    ceil(t.tuples * (28 + CASE WHEN w.has_nulls THEN 8 ELSE 0 END + ceil(w.width / 8) * 8) / (z.block - 24)) AS pages_needed,
    format('VACUUM (FULL, ANALYZE) %s locks it; pg_repack does not', t.name) AS remedy
  FROM tables AS t
  CROSS JOIN sizes AS z
  JOIN (
    SELECT
      oid,
      sum(width) AS width,
      bool_or(has_nulls) AS has_nulls
    FROM widths
    GROUP BY oid
    HAVING bool_and(width IS NOT NULL)
  ) AS w ON w.oid = t.oid
  UNION ALL
  SELECT
    i.name,
    i.table_name,
    i.parts,
    TRUE,
    i.pages,
    ceil(i.tuples * (12 + ceil(w.width / 8) * 8) / (0.9 * (z.block - 40))),
    format('REINDEX INDEX CONCURRENTLY %s', i.name)
  FROM indexes AS i
  CROSS JOIN sizes AS z
  CROSS JOIN LATERAL (
    SELECT
      sum(w.width) AS width,
      bool_and(w.width IS NOT NULL) AS known
    FROM unnest(i.indkey) AS u (attnum)
    LEFT JOIN widths AS w ON w.oid = i.indrelid AND w.attnum = u.attnum
  ) AS w
  WHERE i.is_btree AND i.is_valid AND NOT i.is_partitioned AND w.known AND i.tuples >= 0
)
SELECT
  json_build_object(
    'parts', b.parts,
    'names', CASE WHEN b.is_index THEN json_build_array(b.name) ELSE '[]'::json END,
    'rows', TRUE,
    'object', b.name,
    'severity', CASE WHEN b.wasted >= 1024 * 1024 * 1024 THEN 'warning' ELSE 'notice' END,
    'evidence', json_build_object(
      'estimate', TRUE, 'table', b.table_name, 'bytes', b.bytes, 'wasted_bytes', b.wasted, 'wasted_percent', b.percent
    ),
    'remedy', b.remedy
  )::text
FROM (
  SELECT
    n.*,
    n.pages * z.block AS bytes,
    ((n.pages - n.pages_needed) * z.block)::int8 AS wasted,
    round(((n.pages - n.pages_needed) * 100 / NULLIF(n.pages, 0))::numeric) AS percent
  FROM needed AS n
  CROSS JOIN sizes AS z
) AS b
WHERE b.wasted >= 10 * 1024 * 1024 AND b.percent >= 40
ORDER BY b.wasted DESC, b.name
LIMIT 2000
