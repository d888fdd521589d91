-- What the role $1 may do, or no row where there is no such role. $2: names of functions of pg_catalog to look at.
SELECT
  pg_catalog.json_build_object(
    'role', r.rolname,
    'attributes', pg_catalog.json_build_object(
      'login', r.rolcanlogin,
      'superuser', r.rolsuper,
      'createdb', r.rolcreatedb,
      'createrole', r.rolcreaterole,
      'replication', r.rolreplication,
      'bypassrls', r.rolbypassrls,
      'inherit', r.rolinherit,
      'connection_limit', r.rolconnlimit
    ),
    'settings', pg_catalog.to_json(ARRAY(
      SELECT u.setting
      FROM pg_catalog.pg_db_role_setting AS s
      CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS u (setting)
      WHERE s.setrole = r.oid AND s.setdatabase = d.oid
      ORDER BY u.setting
    )),
    'member_of', pg_catalog.to_json(ARRAY(
      SELECT g.rolname::text
      FROM pg_catalog.pg_auth_members AS m
      JOIN pg_catalog.pg_roles AS g ON g.oid = m.roleid
      WHERE m.member = r.oid
      ORDER BY g.rolname
    )),
    'connect', pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT'),
    'temporary', pg_catalog.has_database_privilege(r.oid, d.oid, 'TEMPORARY'),
    'create', pg_catalog.has_database_privilege(r.oid, d.oid, 'CREATE'),
    'schemas', COALESCE(
      (
        SELECT
          pg_catalog.json_agg(
            pg_catalog.json_build_object(
              'name', n.nspname,
              'usage', COALESCE(pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE'), FALSE),
              'create', COALESCE(pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE'), FALSE)
            )
            ORDER BY n.nspname
          )
        FROM pg_catalog.pg_namespace AS n
        WHERE
          n.nspname !~ '^pg_'
          AND n.nspname <> 'information_schema'
          AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE, CREATE')
      ),
      '[]'
    ),
    'relations', COALESCE(
      (
        SELECT
          pg_catalog.json_agg(
            pg_catalog.json_build_object(
              'oid', c.oid::int8,
              'name', pg_catalog.json_build_object('schema', n.nspname, 'name', c.relname),
              'columns', pg_catalog.to_json(v.readable),
              'whole', COALESCE(pg_catalog.has_table_privilege(r.oid, c.oid, 'SELECT'), FALSE),
              'writes', pg_catalog.to_json(v.writes),
              'owner', pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE'),
              'row_security_binds',
              c.relrowsecurity
              AND NOT r.rolsuper
              AND NOT r.rolbypassrls
              AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')),
              'row_policies', COALESCE(
                (
                  SELECT
                    pg_catalog.json_agg(
                      pg_catalog.json_build_object(
                        'name', p.polname,
                        'restrictive', NOT p.polpermissive,
                        'for_select', p.polcmd IN ('r', '*'),
                        'applies', 0 = ANY (p.polroles) OR EXISTS (
                          SELECT
                          FROM pg_catalog.unnest(p.polroles) AS u (role)
                          WHERE u.role <> 0 AND pg_catalog.pg_has_role(r.oid, u.role, 'USAGE')
                        ),
                        'intact', COALESCE(
                          m.description = 'pgwarden ' || pg_catalog.md5(pg_catalog.pg_get_expr(p.polqual, p.polrelid)),
                          FALSE
                        )
                      )
                      ORDER BY p.polname
                    )
                  FROM pg_catalog.pg_policy AS p
                  LEFT JOIN pg_catalog.pg_description AS m
                    ON m.classoid = 'pg_catalog.pg_policy'::regclass AND m.objoid = p.oid AND m.objsubid = 0
                  WHERE p.polrelid = c.oid
                ),
                '[]'
              )
            )
            ORDER BY n.nspname, c.relname
          )
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL (
          SELECT
            ARRAY(
              SELECT a.attnum::int4
              FROM pg_catalog.pg_attribute AS a
              WHERE
                a.attrelid = c.oid
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')
              ORDER BY a.attnum
            ) AS readable,
            ARRAY(
              SELECT w.word
              FROM
                (
                  VALUES
                    ('INSERT', c.relkind <> 'S' AND pg_catalog.has_any_column_privilege(r.oid, c.oid, 'INSERT')),
                    ('UPDATE', pg_catalog.has_any_column_privilege(r.oid, c.oid, 'UPDATE')),
                    ('REFERENCES', c.relkind <> 'S' AND pg_catalog.has_any_column_privilege(r.oid, c.oid, 'REFERENCES')),
                    ('DELETE', c.relkind <> 'S' AND pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE')),
                    ('TRUNCATE', c.relkind <> 'S' AND pg_catalog.has_table_privilege(r.oid, c.oid, 'TRUNCATE')),
                    ('TRIGGER', c.relkind <> 'S' AND pg_catalog.has_table_privilege(r.oid, c.oid, 'TRIGGER')),
                    ('USAGE', c.relkind = 'S' AND pg_catalog.has_sequence_privilege(r.oid, CASE WHEN c.relkind = 'S' THEN c.oid END, 'USAGE'))
                ) AS w (word, has)
              WHERE w.has
            ) AS writes
        ) AS v
        WHERE
          c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
          AND n.nspname !~ '^pg_'
          AND n.nspname <> 'information_schema'
          AND (
            pg_catalog.array_length(v.readable, 1) > 0
            OR pg_catalog.array_length(v.writes, 1) > 0
            OR pg_catalog.has_table_privilege(r.oid, c.oid, 'SELECT')
          )
      ),
      '[]'
    ),
    'routines', pg_catalog.to_json(ARRAY(
      SELECT p.oid::int8
      FROM pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
      WHERE
        n.nspname !~ '^pg_'
        AND n.nspname <> 'information_schema'
        AND pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')
        -- What no statement can call.
        AND p.prorettype NOT IN (
          'pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype, 'pg_catalog.internal'::regtype,
          'pg_catalog.language_handler'::regtype, 'pg_catalog.fdw_handler'::regtype,
          'pg_catalog.index_am_handler'::regtype, 'pg_catalog.table_am_handler'::regtype,
          'pg_catalog.tsm_handler'::regtype
        )
        AND NOT 'pg_catalog.internal'::regtype::oid = ANY (p.proargtypes::oid[])
      ORDER BY p.oid
    )),
    'direct_routines', pg_catalog.to_json(ARRAY(
      SELECT DISTINCT p.oid::int8
      FROM pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
      CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS g
      WHERE n.nspname !~ '^pg_' AND g.grantee = r.oid
    )),
    'builtins', pg_catalog.to_json(ARRAY(
      SELECT p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')'
      FROM pg_catalog.pg_proc AS p
      WHERE
        p.pronamespace = 'pg_catalog'::regnamespace
        AND p.proname = ANY ($2)
        AND pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')
      ORDER BY p.proname, p.oid
    ))
  )::text
FROM pg_catalog.pg_roles AS r
JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
WHERE r.rolname = COALESCE($1, CURRENT_USER)
