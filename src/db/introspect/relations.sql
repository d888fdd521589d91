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
              'type_oid', a.atttypid::int8,
              'type_name', pg_catalog.format_type(a.atttypid, a.atttypmod),
              'not_null', a.attnotnull,
              'default', pg_catalog.pg_get_expr(f.adbin, f.adrelid),
              'generated', a.attgenerated <> '',
              'identity', a.attidentity <> '',
              'comment', pg_catalog.col_description(c.oid, a.attnum),
              'selectable', pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
            )
            ORDER BY a.attnum
          )
        FROM pg_catalog.pg_attribute AS a
        LEFT JOIN pg_catalog.pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      ),
      '[]'
    ),
    'comment', pg_catalog.obj_description(c.oid, 'pg_class'),
    'row_estimate', CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'p', 'm', 'f') THEN c.reltuples::int8 END,
    'row_security', c.relrowsecurity,
    'row_security_reads', pg_catalog.to_json(ARRAY(
      SELECT DISTINCT m.found[1]::int8
      FROM pg_catalog.pg_policy AS p
      CROSS JOIN LATERAL pg_catalog.regexp_matches(
        COALESCE(p.polqual::text, '') || COALESCE(p.polwithcheck::text, ''), ':relid (\d+)', 'g'
      ) AS m (found)
      WHERE p.polrelid = c.oid AND m.found[1] <> '0'
    )),
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
    'view', CASE WHEN c.relkind IN ('v', 'm') THEN (
      SELECT
        pg_catalog.json_build_object(
          'relations', pg_catalog.to_json(ARRAY(
            SELECT DISTINCT m.found[1]::int8
            FROM pg_catalog.regexp_matches(v.tree, ':relid (\d+)', 'g') AS m (found)
            WHERE m.found[1] <> '0' AND m.found[1]::oid <> c.oid
          )),
          'routines', pg_catalog.to_json(ARRAY(
            SELECT m.found[1]::int8
            FROM pg_catalog.regexp_matches(
              v.tree,
              ':(?:funcid|aggfnoid|winfnoid|opfuncid|hashfuncid|negfuncid|tsmhandler|startInRangeFunc|endInRangeFunc) (\d+)',
              'g'
            ) AS m (found)
            WHERE m.found[1] <> '0'
            UNION
            SELECT o.oprcode::oid::int8
            FROM pg_catalog.regexp_matches(v.tree, ':(?:opno|eqop|sortop) (\d+)', 'g') AS m (found)
            JOIN pg_catalog.pg_operator AS o ON o.oid = m.found[1]::oid
            WHERE o.oprcode <> 0
            UNION
            SELECT o.oprcode::oid::int8
            FROM pg_catalog.regexp_matches(v.tree, ':opnos \(o ([0-9 ]+)\)', 'g') AS m (found)
            CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(pg_catalog.btrim(m.found[1]), ' +') AS s (one)
            JOIN pg_catalog.pg_operator AS o ON o.oid = s.one::oid
            WHERE o.oprcode <> 0
          )),
          -- Columns that it reads (numbered from 7 lower down: 7 is the whole row), and row security of its owner's.
          'shows_more', EXISTS (
            SELECT
            FROM pg_catalog.regexp_matches(
              v.tree, ':relid (\d+) [^{}]*:selectedCols \(b([ 0-9]*)\)', 'g'
            ) AS m (found)
            JOIN pg_catalog.pg_class AS b ON b.oid = m.found[1]::oid AND b.oid <> c.oid
            WHERE
              b.relkind IN ('r', 'p', 'f', 'm')
              AND (
                b.relrowsecurity
                OR NOT pg_catalog.has_any_column_privilege(b.oid, 'SELECT')
                OR EXISTS (
                  SELECT
                  FROM pg_catalog.pg_attribute AS a
                  WHERE
                    a.attrelid = b.oid
                    AND a.attnum > 0
                    AND NOT a.attisdropped
                    AND NOT pg_catalog.has_column_privilege(b.oid, a.attnum, 'SELECT')
                    AND (m.found[2] || ' ') ~ pg_catalog.format(' (%s|7) ', a.attnum + 7)
                )
              )
          )
        )
      FROM (
        SELECT pg_catalog.string_agg(r.ev_action::text, ' ') AS tree
        FROM pg_catalog.pg_rewrite AS r
        WHERE r.ev_class = c.oid AND r.ev_type = '1'
      ) AS v
    ) END,
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
              'definition', pg_catalog.pg_get_indexdef(i.indexrelid)
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
      SELECT pg_catalog.pg_get_constraintdef(k.oid)
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
