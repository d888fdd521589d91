SELECT
  pg_catalog.json_build_object(
    'oid', c.oid::int8,
    'name', pg_catalog.json_build_object('schema', n.nspname, 'name', c.relname),
    'kind', CASE c.relkind
      WHEN 'r' THEN 'table'
      WHEN 'p' THEN 'partitioned_table'
      WHEN 'v' THEN 'view'
      WHEN 'm' THEN 'materialized_view'
      WHEN 'f' THEN 'foreign_table'
      WHEN 'S' THEN 'sequence'
    END,
    'owner', pg_catalog.pg_get_userbyid(c.relowner),
    'columns', COALESCE(
      (
        SELECT
          pg_catalog.json_agg(
            pg_catalog.json_build_object(
              'name', a.attname,
              'number', a.attnum::int4,
              'type_oid', a.atttypid::int8,
              'type_name', pg_catalog.format_type(a.atttypid, a.atttypmod),
              'not_null', a.attnotnull,
              -- With its relation, each of a wide table's defaults takes time for the square of its columns.
              'default', pg_catalog.pg_get_expr(f.adbin, CASE WHEN a.attgenerated <> '' THEN f.adrelid ELSE 0 END),
              'generated', a.attgenerated <> '',
              'identity', a.attidentity <> '',
              'comment', m.description,
              -- NULL, like the other functions that look by themselves, where it was dropped since the snapshot.
              'selectable', COALESCE(pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'), FALSE),
              'collation', NULLIF(a.attcollation::int8, 0)
            )
            ORDER BY a.attnum
          )
        FROM pg_catalog.pg_attribute AS a
        LEFT JOIN pg_catalog.pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
        LEFT JOIN pg_catalog.pg_description AS m
          ON m.classoid = 'pg_catalog.pg_class'::regclass AND m.objoid = c.oid AND m.objsubid = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      ),
      '[]'
    ),
    'comment', (
      SELECT m.description
      FROM pg_catalog.pg_description AS m
      WHERE m.classoid = 'pg_catalog.pg_class'::regclass AND m.objoid = c.oid AND m.objsubid = 0
    ),
    'row_estimate', CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'p', 'm', 'f') THEN c.reltuples::int8 END,
    'row_security', c.relrowsecurity,
    'row_security_binds', c.relrowsecurity AND pg_catalog.row_security_active(c.oid),
    'row_policies', COALESCE(
      (
        SELECT
          pg_catalog.json_agg(
            pg_catalog.json_build_object(
              'name', p.polname,
              'restrictive', NOT p.polpermissive,
              'for_select', p.polcmd IN ('r', '*'),
              'applies', 0 = ANY (p.polroles) OR EXISTS (
                SELECT
                FROM pg_catalog.unnest(p.polroles) AS u (role)
                WHERE u.role <> 0 AND pg_catalog.pg_has_role(u.role, 'USAGE')
              ),
              'intact', COALESCE(
                m.description = 'pgwarden ' || pg_catalog.md5(pg_catalog.pg_get_expr(p.polqual, p.polrelid)),
                FALSE
              )
            )
            ORDER BY p.polname
          )
        FROM pg_catalog.pg_policy AS p
        LEFT JOIN pg_catalog.pg_description AS m
          ON m.classoid = 'pg_catalog.pg_policy'::regclass AND m.objoid = p.oid AND m.objsubid = 0
        WHERE p.polrelid = c.oid
      ),
      '[]'
    ),
    'row_security_reads', '[]'::json,
    'parents', pg_catalog.to_json(ARRAY(
      SELECT i.inhparent::int8
      FROM pg_catalog.pg_inherits AS i
      WHERE i.inhrelid = c.oid
      ORDER BY i.inhseqno
    )),
    'is_partition', c.relispartition,
    'attached', pg_catalog.to_json(ARRAY(
      SELECT i.indexrelid::int8
      FROM pg_catalog.pg_index AS i
      WHERE i.indrelid IN (c.oid, NULLIF(c.reltoastrelid, 0))
      UNION ALL
      SELECT c.reltoastrelid::int8
      WHERE c.reltoastrelid <> 0
    )),
    'view', CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.json_build_object('relations', '[]'::json, 'routines', '[]'::json, 'columns', '[]'::json, 'shows_more', FALSE) END,
    'keys', COALESCE(
      (
        SELECT
          pg_catalog.json_agg(
            pg_catalog.json_build_object(
              'name', k.conname,
              'primary', k.contype = 'p',
              'columns', pg_catalog.to_json(ARRAY(
                SELECT a.attname::text
                FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (attnum, at)
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.attnum
                ORDER BY u.at
              ))
            )
            ORDER BY k.contype, k.conname
          )
        FROM pg_catalog.pg_constraint AS k
        WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u')
      ),
      '[]'
    ),
    'foreign_keys', COALESCE(
      (
        SELECT
          pg_catalog.json_agg(
            pg_catalog.json_build_object(
              'name', k.conname,
              'columns', pg_catalog.to_json(ARRAY(
                SELECT a.attname::text
                FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (attnum, at)
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.attnum
                ORDER BY u.at
              )),
              'references', k.confrelid::int8,
              'referenced_columns', pg_catalog.to_json(ARRAY(
                SELECT a.attname::text
                FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u (attnum, at)
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum
                ORDER BY u.at
              ))
            )
            ORDER BY k.conname
          )
        FROM pg_catalog.pg_constraint AS k
        -- A key that references a partitioned table has further entries for its partitions.
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND NOT EXISTS (
          SELECT
          FROM pg_catalog.pg_constraint AS above
          WHERE above.oid = k.conparentid AND above.conrelid = c.oid
        )
      ),
      '[]'
    ),
    'indexes', COALESCE(
      (
        SELECT
          pg_catalog.json_agg(
            pg_catalog.json_build_object(
              'name', x.relname,
              'unique', i.indisunique,
              'valid', i.indisvalid,
              'definition', COALESCE(pg_catalog.pg_get_indexdef(i.indexrelid), '')
            )
            ORDER BY x.relname
          )
        FROM pg_catalog.pg_index AS i
        JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid
      ),
      '[]'
    ),
    'checks', pg_catalog.to_json(ARRAY(
      -- Which is an error where its relation was dropped since.
      SELECT CASE WHEN pg_catalog.pg_get_expr(k.conbin, k.conrelid) IS NULL THEN '' ELSE pg_catalog.pg_get_constraintdef(k.oid) END
      FROM pg_catalog.pg_constraint AS k
      WHERE k.conrelid = c.oid AND k.contype = 'c'
      ORDER BY k.conname
    ))
  )::text
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
  c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY n.nspname, c.relname
