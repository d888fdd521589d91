SELECT
  pg_catalog.json_build_object(
    'oid', o.oid::int8,
    'name', pg_catalog.json_build_object('schema', n.nspname, 'name', o.oprname),
    'routine', o.oprcode::oid::int8,
    'operands', pg_catalog.to_json(ARRAY(
      SELECT t.type::int8 FROM pg_catalog.unnest(ARRAY[o.oprleft, o.oprright]) AS t (type) WHERE t.type <> 0
    )),
    'extension', e.extname
  )::text
FROM pg_catalog.pg_operator AS o
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
LEFT JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_operator'::regclass AND d.objid = o.oid AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
WHERE o.oprcode <> 0
ORDER BY o.oid
