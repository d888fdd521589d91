-- What a login has besides the roles that it may take. `inherited`: roles whose rights it has without taking them.
SELECT
  pg_catalog.json_build_object(
    'takes', pg_catalog.to_json(ARRAY(
      SELECT r.rolname::text
      FROM pg_catalog.pg_roles AS r
      WHERE r.oid <> me.oid AND NOT me.rolsuper AND r.rolname !~ '^pg_' AND pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER')
      ORDER BY r.rolname
    )),
    'inherited', pg_catalog.to_json(ARRAY(
      SELECT r.rolname::text
      FROM pg_catalog.pg_roles AS r
      WHERE r.oid <> me.oid AND NOT me.rolsuper AND pg_catalog.pg_has_role(me.oid, r.oid, 'USAGE')
      ORDER BY r.rolname
    )),
    'granted', pg_catalog.to_json(ARRAY(
      SELECT n.nspname || '.' || c.relname
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE
        EXISTS (SELECT FROM pg_catalog.aclexplode(c.relacl) AS g WHERE g.grantee = me.oid)
        OR EXISTS (
          SELECT
          FROM pg_catalog.pg_attribute AS a
          CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS g
          WHERE a.attrelid = c.oid AND g.grantee = me.oid
        )
      UNION ALL
      SELECT n.nspname || '.' || p.proname
      FROM pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
      WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) AS g WHERE g.grantee = me.oid)
      UNION ALL
      SELECT n.nspname::text
      FROM pg_catalog.pg_namespace AS n
      WHERE EXISTS (
        SELECT FROM pg_catalog.aclexplode(n.nspacl) AS g WHERE g.grantee = me.oid AND g.privilege_type = 'CREATE'
      )
      ORDER BY 1
    ))
  )::text
FROM pg_catalog.pg_roles AS me
WHERE me.rolname = CURRENT_USER
