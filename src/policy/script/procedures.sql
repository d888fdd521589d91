-- The tools of this script. They are temporary and go with the session.
CREATE OR REPLACE PROCEDURE pg_temp.pgwarden_here(expected name)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tool$
BEGIN
  IF pg_catalog.current_database() <> expected THEN
    RAISE EXCEPTION 'this script is for the database %, this is %', expected, pg_catalog.current_database();
  END IF;
END
$tool$;

CREATE OR REPLACE PROCEDURE pg_temp.pgwarden_role(made name)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tool$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = made) THEN
    EXECUTE pg_catalog.format(
      'CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT', made
    );
    EXECUTE pg_catalog.format('COMMENT ON ROLE %I IS %L', made, 'made by pgwarden policy script');
  END IF;
END
$tool$;

-- Takes every right in this database and every membership from the role. What follows grants again what the policy
-- shows; nobody sees the time between, since all of it is one transaction.
CREATE OR REPLACE PROCEDURE pg_temp.pgwarden_nothing(emptied name)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tool$
DECLARE
  found record;
  target oid := (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = emptied);
BEGIN
  FOR found IN
    SELECT DISTINCT 'TABLE' AS kind, c.oid::regclass::text AS object
    FROM pg_catalog.pg_class AS c
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
    CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl || a.attacl) AS g
    WHERE g.grantee = target AND c.relowner <> target AND c.relkind <> 'S'
    UNION ALL
    SELECT DISTINCT 'SEQUENCE', c.oid::regclass::text
    FROM pg_catalog.pg_class AS c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS g
    WHERE g.grantee = target AND c.relowner <> target AND c.relkind = 'S'
    UNION ALL
    SELECT DISTINCT 'SCHEMA', pg_catalog.quote_ident(n.nspname)
    FROM pg_catalog.pg_namespace AS n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS g
    WHERE g.grantee = target AND n.nspowner <> target
    UNION ALL
    SELECT DISTINCT 'ROUTINE', p.oid::regprocedure::text
    FROM pg_catalog.pg_proc AS p CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS g
    WHERE g.grantee = target AND p.proowner <> target
    UNION ALL
    SELECT DISTINCT 'DATABASE', pg_catalog.quote_ident(d.datname)
    FROM pg_catalog.pg_database AS d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) AS g
    WHERE g.grantee = target AND d.datdba <> target AND d.datname = pg_catalog.current_database()
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %I', found.kind, found.object, emptied);
  END LOOP;
  FOR found IN
    SELECT g.rolname
    FROM pg_catalog.pg_auth_members AS m
    JOIN pg_catalog.pg_roles AS g ON g.oid = m.roleid
    WHERE m.member = target
  LOOP
    EXECUTE pg_catalog.format('REVOKE %I FROM %I', found.rolname, emptied);
  END LOOP;
END
$tool$;

-- A row filter. `parts` is the condition, cut where a claim of the caller stands; `claims` are the settings that hold
-- them. PostgreSQL itself says which type each of them has.
CREATE OR REPLACE PROCEDURE pg_temp.pgwarden_filter(
  filtered regclass, policy name, reader name, parts text[], claims text[]
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $tool$
DECLARE
  target oid := (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = reader);
  condition text := parts[1];
  types regtype[];
BEGIN
  IF NOT (SELECT c.relrowsecurity FROM pg_catalog.pg_class AS c WHERE c.oid = filtered) THEN
    EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', filtered);
    EXECUTE pg_catalog.format('DROP POLICY IF EXISTS pgwarden_others ON %s', filtered);
    EXECUTE pg_catalog.format(
      'CREATE POLICY pgwarden_others ON %s AS PERMISSIVE FOR ALL TO PUBLIC USING (TRUE) WITH CHECK (TRUE)', filtered
    );
    EXECUTE pg_catalog.format(
      'COMMENT ON POLICY pgwarden_others ON %s IS %L',
      filtered,
      'Row security is on for pgwarden''s filters alone: every row stays there for everybody else.'
    );
  END IF;
  IF EXISTS (
    SELECT
    FROM pg_catalog.pg_policy AS p
    WHERE
      p.polrelid = filtered
      AND p.polname = policy
      AND NOT p.polpermissive
      AND p.polcmd = 'r'
      AND p.polroles = ARRAY[target]
      AND pg_catalog.obj_description(p.oid, 'pg_policy')
      = 'pgwarden ' || pg_catalog.md5(pg_catalog.pg_get_expr(p.polqual, p.polrelid))
  ) THEN
    RETURN;
  END IF;
  FOR at IN 1 .. pg_catalog.cardinality(claims) LOOP
    condition := condition || '$' || at || parts[at + 1];
  END LOOP;
  EXECUTE pg_catalog.format(E'PREPARE pgwarden_probe AS SELECT FROM %s WHERE (%s\n)', filtered, condition);
  SELECT s.parameter_types INTO types FROM pg_catalog.pg_prepared_statements AS s WHERE s.name = 'pgwarden_probe';
  DEALLOCATE pgwarden_probe;
  condition := parts[1];
  FOR at IN 1 .. pg_catalog.cardinality(claims) LOOP
    condition := condition
      || pg_catalog.format('(NULLIF(pg_catalog.current_setting(%L, TRUE), '''')::%s)', claims[at], types[at])
      || parts[at + 1];
  END LOOP;
  EXECUTE pg_catalog.format('DROP POLICY IF EXISTS %I ON %s', policy, filtered);
  EXECUTE pg_catalog.format(
    E'CREATE POLICY %I ON %s AS RESTRICTIVE FOR SELECT TO %I USING (%s\n)', policy, filtered, reader, condition
  );
  -- pgwarden relies on the policy while this still tells its expression.
  EXECUTE (
    SELECT
      pg_catalog.format(
        'COMMENT ON POLICY %I ON %s IS %L',
        policy,
        filtered,
        'pgwarden ' || pg_catalog.md5(pg_catalog.pg_get_expr(p.polqual, p.polrelid))
      )
    FROM pg_catalog.pg_policy AS p
    WHERE p.polrelid = filtered AND p.polname = policy
  );
END
$tool$;

-- Drops the role's filters but those to keep, each written as `policy schema.table`; then row security where nothing needs it.
CREATE OR REPLACE PROCEDURE pg_temp.pgwarden_stale(reader name, kept text[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tool$
DECLARE
  found record;
  target oid := (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = reader);
BEGIN
  FOR found IN
    SELECT p.polname, p.polrelid::regclass AS filtered
    FROM pg_catalog.pg_policy AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE
      p.polname ~ '^pgwarden_[0-9a-f]{12}_[0-9a-f]{8}$'
      AND p.polroles = ARRAY[target]
      AND p.polname || ' ' || n.nspname || '.' || c.relname <> ALL (kept)
  LOOP
    EXECUTE pg_catalog.format('DROP POLICY %I ON %s', found.polname, found.filtered);
  END LOOP;
  FOR found IN
    SELECT p.polrelid::regclass AS filtered
    FROM pg_catalog.pg_policy AS p
    WHERE
      p.polname = 'pgwarden_others'
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_policy AS o WHERE o.polrelid = p.polrelid AND o.polname <> 'pgwarden_others'
      )
  LOOP
    EXECUTE pg_catalog.format('DROP POLICY pgwarden_others ON %s', found.filtered);
    EXECUTE pg_catalog.format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', found.filtered);
  END LOOP;
END
$tool$;

-- Takes a right from PUBLIC. Roles that can log in here now keep it, by a grant of their own; what was done is written
-- down, so that the reverse script can undo it.
CREATE OR REPLACE PROCEDURE pg_temp.pgwarden_take(taker name, privilege text, object text, rights aclitem[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tool$
DECLARE
  other name;
  granted name[] := '{}';
BEGIN
  IF pg_catalog.to_regclass('pgwarden.taken_from_public') IS NULL THEN
    CREATE SCHEMA IF NOT EXISTS pgwarden;
    CREATE TABLE pgwarden.taken_from_public (
      role name NOT NULL,
      privilege text NOT NULL,
      object text NOT NULL,
      granted name[] NOT NULL,
      PRIMARY KEY (role, privilege, object)
    );
    COMMENT ON TABLE pgwarden.taken_from_public IS
      'What pgwarden policy script took from PUBLIC, and who was given it instead; its --reverse undoes it.';
  END IF;
  IF EXISTS (
    SELECT FROM pg_catalog.aclexplode(rights) AS a WHERE a.grantee = 0 AND a.privilege_type = privilege
  ) THEN
    FOR other IN
      SELECT r.rolname
      FROM pg_catalog.pg_roles AS r
      WHERE
        r.rolcanlogin
        AND NOT r.rolsuper
        AND r.rolname <> taker
        AND r.rolname NOT IN (SELECT t.role FROM pgwarden.taken_from_public AS t)
        AND pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CONNECT')
        AND NOT EXISTS (
          SELECT FROM pg_catalog.aclexplode(rights) AS a WHERE a.grantee = r.oid AND a.privilege_type = privilege
        )
      ORDER BY r.rolname
    LOOP
      EXECUTE pg_catalog.format('GRANT %s ON %s TO %I', privilege, object, other);
      granted := granted || other;
    END LOOP;
    EXECUTE pg_catalog.format('REVOKE %s ON %s FROM PUBLIC', privilege, object);
    INSERT INTO pgwarden.taken_from_public VALUES (taker, privilege, object, granted)
    ON CONFLICT ON CONSTRAINT taken_from_public_pkey
    DO UPDATE SET granted = taken_from_public.granted || excluded.granted;
  ELSE
    -- The script of another role took it; it stays away until both are reversed.
    INSERT INTO pgwarden.taken_from_public
    SELECT taker, t.privilege, t.object, t.granted
    FROM pgwarden.taken_from_public AS t
    WHERE t.privilege = pgwarden_take.privilege AND t.object = pgwarden_take.object
    LIMIT 1
    ON CONFLICT DO NOTHING;
  END IF;
END
$tool$;

-- EXECUTE on functions: those of pg_catalog by name, others each written as schema.name(arguments).
CREATE OR REPLACE PROCEDURE pg_temp.pgwarden_take_routines(taker name, builtins text[], routines text[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tool$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT
      'ROUTINE ' || p.oid::regprocedure AS object,
      COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS rights
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE
      (n.nspname = 'pg_catalog' AND p.proname = ANY (builtins))
      OR n.nspname || '.' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'
      = ANY (routines)
    ORDER BY p.oid
  LOOP
    CALL pg_temp.pgwarden_take(taker, 'EXECUTE', found.object, found.rights);
  END LOOP;
END
$tool$;

-- Making objects: temporary ones, and others in schemas where everybody may.
CREATE OR REPLACE PROCEDURE pg_temp.pgwarden_take_creation(taker name)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tool$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT
      'TEMPORARY' AS privilege,
      'DATABASE ' || pg_catalog.quote_ident(d.datname) AS object,
      COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba)) AS rights
    FROM pg_catalog.pg_database AS d
    WHERE d.datname = pg_catalog.current_database()
    UNION ALL
    SELECT
      'CREATE',
      'SCHEMA ' || pg_catalog.quote_ident(n.nspname),
      COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner))
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname !~ '^pg_'
  LOOP
    CALL pg_temp.pgwarden_take(taker, found.privilege, found.object, found.rights);
  END LOOP;
END
$tool$;
