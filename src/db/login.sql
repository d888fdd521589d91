SELECT
  pg_catalog.json_build_object(
    'superuser', me.rolsuper,
    'bypassrls', me.rolbypassrls,
    'replication', me.rolreplication,
    'createrole', me.rolcreaterole,
    'predefined', pg_catalog.to_json(ARRAY(
      SELECT r.rolname::text
      FROM pg_catalog.pg_roles AS r
      WHERE NOT me.rolsuper AND r.rolname ~ '^pg_' AND pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER')
      ORDER BY r.rolname
    )),
    'powerful', pg_catalog.to_json(ARRAY(
      SELECT r.rolname::text
      FROM pg_catalog.pg_roles AS r
      WHERE
        NOT me.rolsuper
        AND r.oid <> me.oid
        AND (r.rolsuper OR r.rolbypassrls OR r.rolreplication OR r.rolcreaterole)
        AND pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER')
      ORDER BY r.rolname
    )),
    'owned', pg_catalog.to_json(ARRAY(
      SELECT n.nspname || '.' || c.relname
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE
        NOT me.rolsuper
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND n.nspname !~ '^pg_'
        AND n.nspname <> 'information_schema'
        AND pg_catalog.pg_has_role(me.oid, c.relowner, 'MEMBER')
      ORDER BY n.nspname, c.relname
    )),
    'client_port', (
      SELECT a.client_port
      FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a
    )
  )::text
FROM pg_catalog.pg_roles AS me
WHERE me.rolname = CURRENT_USER
