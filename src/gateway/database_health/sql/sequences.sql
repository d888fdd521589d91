SELECT
  json_build_object(
    'parts', CASE
      WHEN f.relation IS NULL THEN json_build_array(json_build_object('relation', s.seqrelid::int8, 'columns', '[]'::json))
      ELSE json_build_array(json_build_object('relation', f.relation::int8, 'columns', ARRAY[f.attname::text]))
    END,
    'unreadable', v.last_value IS NULL AND NOT v.readable,
    'object', COALESCE(f.name, format('%I.%I', n.nspname, c.relname)),
    'severity', CASE WHEN u.used >= 0.9 THEN 'critical' ELSE 'warning' END,
    'evidence', json_build_object(
      'last_value', v.last_value,
      'limit', l.highest,
      'percent', round(u.used * 100, 1),
      'column_type', f.type_name
    ),
    'remedy', CASE
      WHEN f.relation IS NULL THEN format('ALTER SEQUENCE %I.%I AS bigint NO MAXVALUE', n.nspname, c.relname)
      WHEN f.type_name = 'bigint' OR f.identity THEN format(
        'ALTER TABLE %s ALTER COLUMN %I TYPE bigint, ALTER COLUMN %I SET NO MAXVALUE', f.table_name, f.attname, f.attname
      )
      ELSE format(
        'ALTER TABLE %s ALTER COLUMN %I TYPE bigint; then ALTER SEQUENCE .. AS bigint of the sequence that pg_get_serial_sequence(%L, %L) names',
        f.table_name, f.attname, f.table_name, f.attname
      )
    END
  )::text
FROM pg_sequence AS s
JOIN pg_class AS c ON c.oid = s.seqrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
-- The column that it belongs to, or whose default takes from it.
LEFT JOIN LATERAL (
  SELECT
    t.oid AS relation,
    a.attname,
    a.attidentity <> '' AS identity,
    format_type(a.atttypid, NULL) AS type_name,
    format('%I.%I', m.nspname, t.relname) AS table_name,
    format('%I.%I.%I', m.nspname, t.relname, a.attname) AS name
  FROM (
    SELECT
      1 AS rank,
      d.refobjid AS relation,
      d.refobjsubid AS attnum
    FROM pg_depend AS d
    WHERE
      d.classid = 'pg_class'::regclass
      AND d.objid = s.seqrelid
      AND d.refclassid = 'pg_class'::regclass
      AND d.refobjsubid > 0
      AND d.deptype IN ('a', 'i')
    UNION ALL
    SELECT
      2,
      e.adrelid,
      e.adnum
    FROM pg_depend AS d
    JOIN pg_attrdef AS e ON e.oid = d.objid
    WHERE
      d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.seqrelid
  ) AS o
  JOIN pg_class AS t ON t.oid = o.relation
  JOIN pg_namespace AS m ON m.oid = t.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = o.relation AND a.attnum = o.attnum
  ORDER BY o.rank, o.relation, o.attnum
  LIMIT 1
) AS f ON TRUE
CROSS JOIN LATERAL (
  SELECT LEAST(
    s.seqmax,
    CASE f.type_name WHEN 'smallint' THEN 32767 WHEN 'integer' THEN 2147483647 ELSE 9223372036854775807 END
  ) AS highest
) AS l
CROSS JOIN LATERAL (SELECT has_sequence_privilege(s.seqrelid, 'SELECT, USAGE') AS readable) AS p
CROSS JOIN LATERAL (
  SELECT
    p.readable,
    CASE WHEN p.readable THEN pg_sequence_last_value(s.seqrelid) END AS last_value
) AS v
CROSS JOIN LATERAL (SELECT v.last_value::numeric / l.highest AS used) AS u
WHERE
  COALESCE(f.relation, s.seqrelid) = ANY (($1::text)::oid[])
  AND s.seqincrement > 0
  AND NOT s.seqcycle
  AND c.relpersistence <> 't'
  AND (NOT v.readable OR u.used >= 0.75)
ORDER BY u.used DESC NULLS LAST, n.nspname, c.relname
LIMIT 1000
