SELECT
  pg_catalog.json_build_object(
    'oid', c.oid::int8,
    'pages', GREATEST(c.relpages, 0)::int8,
    'rows', c.reltuples::float8,
    'writes', (s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::int8,
    'reads', (s.seq_scan + COALESCE(s.idx_scan, 0))::int8,
    'columns', COALESCE(
      (
        SELECT
          pg_catalog.json_object_agg(
            t.attname,
            pg_catalog.json_build_object('width', t.avg_width::int8, 'distinct', t.n_distinct::float8)
          )
        FROM pg_catalog.pg_stats AS t
        WHERE t.schemaname = n.nspname AND t.tablename = c.relname AND t.inherited = (c.relkind = 'p')
      ),
      '{}'
    ),
    'indexes', COALESCE(
      (
        SELECT
          pg_catalog.json_agg(
            pg_catalog.json_build_object(
              'name', r.relname,
              'method', m.amname,
              'unique', x.indisunique,
              'plain', x.indpred IS NULL AND x.indexprs IS NULL AND x.indisvalid,
              'keys', x.indnkeyatts::int8,
              'columns', (
                SELECT pg_catalog.json_agg(a.attname ORDER BY k.position)
                FROM pg_catalog.unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, position)
                LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
              ),
              'bytes', pg_catalog.pg_relation_size(r.oid::regclass)::int8
            )
            ORDER BY r.relname
          )
        FROM pg_catalog.pg_index AS x
        INNER JOIN pg_catalog.pg_class AS r ON r.oid = x.indexrelid
        INNER JOIN pg_catalog.pg_am AS m ON m.oid = r.relam
        WHERE x.indrelid = c.oid
      ),
      '[]'
    )
  )::text
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_user_tables AS s ON s.relid = c.oid
WHERE c.oid = ANY ($1::oid[])
