SELECT DISTINCT ON (a.attnum)
  a.attnum::pg_catalog.int4,
  s.null_frac::pg_catalog.float8,
  s.n_distinct::pg_catalog.float8,
  ARRAY(
    SELECT pg_catalog.left(v.value, 60)
    FROM pg_catalog.unnest(s.most_common_vals::pg_catalog.text::pg_catalog._text) WITH ORDINALITY AS v (value, at)
    WHERE v.at OPERATOR(pg_catalog.<=) 5
    ORDER BY v.at
  ),
  COALESCE(s.most_common_freqs[1:5]::pg_catalog._float8, '{}'),
  pg_catalog.left((s.histogram_bounds::pg_catalog.text::pg_catalog._text)[1], 60),
  pg_catalog.left(
    (s.histogram_bounds::pg_catalog.text::pg_catalog._text)
      [pg_catalog.cardinality(s.histogram_bounds::pg_catalog.text::pg_catalog._text)],
    60
  )
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_stats AS s
  ON s.schemaname OPERATOR(pg_catalog.=) n.nspname
  AND s.tablename OPERATOR(pg_catalog.=) c.relname
  AND s.attname OPERATOR(pg_catalog.=) a.attname
WHERE a.attrelid OPERATOR(pg_catalog.=) $1 AND a.attnum OPERATOR(pg_catalog.=) ANY ($2)
ORDER BY a.attnum, s.inherited DESC
