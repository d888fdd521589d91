SELECT
  pg_catalog.json_build_object(
    'oid', n.oid::int8,
    'name', n.nspname,
    'comment', pg_catalog.obj_description(n.oid, 'pg_namespace'),
    'usable', COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), FALSE),
    'creators', pg_catalog.to_json(ARRAY(
      SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE COALESCE(r.rolname::text, a.grantee::text) END
      FROM pg_catalog.aclexplode(n.nspacl) AS a
      LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
      WHERE a.privilege_type = 'CREATE'
        AND a.grantee <> n.nspowner
        AND a.grantee <> (
          SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
        )
        AND r.rolsuper IS NOT TRUE
        AND r.rolname IS DISTINCT FROM 'pg_database_owner'
      ORDER BY 1
    ))
  )::text
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname
