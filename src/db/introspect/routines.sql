SELECT
  pg_catalog.json_build_object(
    'oid', p.oid::int8,
    'name', pg_catalog.json_build_object('schema', n.nspname, 'name', p.proname),
    'kind', CASE p.prokind
      WHEN 'p' THEN 'procedure'
      WHEN 'a' THEN 'aggregate'
      WHEN 'w' THEN 'window'
      ELSE 'function'
    END,
    'arguments', CASE
      WHEN n.nspname = 'pg_catalog' THEN ''
      ELSE COALESCE(pg_catalog.pg_get_function_identity_arguments(p.oid), '')
    END,
    'out_columns', CASE
      WHEN p.proargmodes IS NULL THEN '[]'
      ELSE pg_catalog.to_json(ARRAY(
        SELECT COALESCE(NULLIF(p.proargnames[a.at], ''), 'column' || pg_catalog.row_number() OVER (ORDER BY a.at))
        FROM pg_catalog.unnest(p.proargmodes) WITH ORDINALITY AS a (mode, at)
        WHERE a.mode IN ('o', 'b', 't')
        ORDER BY a.at
      ))
    END,
    'result', p.prorettype::int8,
    'returns_set', p.proretset,
    'security_definer', p.prosecdef,
    'volatile', p.provolatile = 'v',
    'extension', e.extname
  )::text
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
WHERE n.nspname !~ '^pg_(toast|temp)'
ORDER BY p.oid
