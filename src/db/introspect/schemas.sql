SELECT
  pg_catalog.json_build_object(
    'oid', n.oid::int8,
    'name', n.nspname,
    'comment', pg_catalog.obj_description(n.oid, 'pg_namespace'),
    'usable', pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  )::text
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname
