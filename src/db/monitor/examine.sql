SELECT
  pg_catalog.json_build_object(
    'database', pg_catalog.current_database(),
    'login', me.rolname,
    'pg_monitor', pg_catalog.pg_has_role(me.oid, 'pg_monitor', 'USAGE'),
    'superuser', me.rolsuper,
    'attributes', pg_catalog.array_to_json(pg_catalog.array_remove(ARRAY[
      CASE WHEN me.rolbypassrls THEN 'BYPASSRLS' END,
      CASE WHEN me.rolreplication THEN 'REPLICATION' END,
      CASE WHEN me.rolcreaterole THEN 'CREATEROLE' END,
      CASE WHEN me.rolcreatedb THEN 'CREATEDB' END
    ], NULL)),
    'roles', pg_catalog.array_to_json(ARRAY(
      SELECT r.rolname::text
      FROM pg_catalog.pg_roles AS r
      WHERE
        NOT me.rolsuper
        AND r.oid OPERATOR(pg_catalog.<>) me.oid
        AND r.rolname OPERATOR(pg_catalog.<>) ALL (ARRAY[
          'pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables'
        ]::pg_catalog.name[])
        AND pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER')
      ORDER BY r.rolname
    )),
    'readable', pg_catalog.array_to_json(ARRAY(
      SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
      WHERE
        NOT me.rolsuper
        AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'::pg_catalog."char"[])
        AND n.nspname OPERATOR(pg_catalog.!~) '^pg_'
        AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'
        AND pg_catalog.has_schema_privilege(me.oid, n.oid, 'USAGE')
        AND pg_catalog.has_any_column_privilege(me.oid, c.oid, 'SELECT')
        AND NOT EXISTS (
          SELECT
          FROM pg_catalog.pg_depend AS d
          WHERE
            d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.objid OPERATOR(pg_catalog.=) c.oid
            AND d.deptype OPERATOR(pg_catalog.=) 'e'
        )
      ORDER BY n.nspname, c.relname
    )),
    'statements', (
      SELECT e.extversion
      FROM pg_catalog.pg_extension AS e
      WHERE e.extname OPERATOR(pg_catalog.=) 'pg_stat_statements'
    ),
    'statements_schema', (
      SELECT pg_catalog.quote_ident(n.nspname)
      FROM pg_catalog.pg_extension AS e
      JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
      WHERE
        e.extname OPERATOR(pg_catalog.=) 'pg_stat_statements'
        AND NOT pg_catalog.has_schema_privilege(me.oid, n.oid, 'USAGE')
    ),
    'preloaded', EXISTS (
      SELECT FROM pg_catalog.pg_settings AS s WHERE s.name OPERATOR(pg_catalog.=) 'pg_stat_statements.max'
    )
  )::text
FROM pg_catalog.pg_roles AS me
WHERE me.rolname OPERATOR(pg_catalog.=) CURRENT_USER
