SELECT
  pg_catalog.json_build_object(
    'role', me.rolname,
    'oid', me.oid::int8,
    'may_log_in',
    me.rolcanlogin
    AND (me.rolvaliduntil IS NULL OR me.rolvaliduntil > pg_catalog.now())
    AND pg_catalog.has_database_privilege(me.oid, pg_catalog.current_database(), 'CONNECT'),
    'superuser', me.rolsuper,
    'bypassrls', me.rolbypassrls,
    'replication', me.rolreplication,
    'createrole', me.rolcreaterole,
    'powerful', EXISTS (
      SELECT
      FROM pg_catalog.pg_roles AS r
      WHERE
        r.oid <> me.oid
        AND (
          r.rolsuper OR r.rolbypassrls OR r.rolreplication OR r.rolcreaterole
          OR r.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
        )
        AND pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER')
    ),
    'ours', EXISTS (
      SELECT
      FROM pg_catalog.json_array_elements_text($2::json) AS own (rolname)
      JOIN pg_catalog.pg_roles AS r ON r.rolname = own.rolname
      WHERE pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER')
    ),
    'memberships', pg_catalog.to_json(ARRAY(
      SELECT r.rolname::text
      FROM pg_catalog.pg_roles AS r
      WHERE NOT me.rolsuper AND r.oid <> me.oid AND pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER')
      ORDER BY r.rolname
      LIMIT 200
    ))
  )::text
FROM pg_catalog.pg_roles AS me
WHERE me.rolname = $1
