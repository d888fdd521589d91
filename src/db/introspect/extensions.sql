SELECT
  pg_catalog.json_build_object(
    'name', e.extname,
    'schema', n.nspname,
    'version', e.extversion
  )::text
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
ORDER BY e.extname
