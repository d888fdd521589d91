-- Gives PUBLIC back what was taken for this role alone.
CREATE OR REPLACE PROCEDURE pg_temp.pgwarden_give_back(taker name)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tool$
DECLARE
  found record;
  other name;
BEGIN
  IF pg_catalog.to_regclass('pgwarden.taken_from_public') IS NULL THEN
    RETURN;
  END IF;
  -- Statements are made from the table's text.
  IF EXISTS (
    SELECT
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
    WHERE c.oid = 'pgwarden.taken_from_public'::regclass AND NOT r.rolsuper AND r.rolname <> CURRENT_USER
  ) THEN
    RAISE EXCEPTION 'pgwarden.taken_from_public belongs to another role: run this as its owner';
  END IF;
  FOR found IN
    SELECT t.privilege, t.object, t.granted
    FROM pgwarden.taken_from_public AS t
    WHERE
      t.role = taker
      AND NOT EXISTS (
        SELECT
        FROM pgwarden.taken_from_public AS o
        WHERE o.privilege = t.privilege AND o.object = t.object AND o.role <> taker
      )
  LOOP
    EXECUTE pg_catalog.format('GRANT %s ON %s TO PUBLIC', found.privilege, found.object);
    FOREACH other IN ARRAY found.granted LOOP
      IF EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = other) THEN
        EXECUTE pg_catalog.format('REVOKE %s ON %s FROM %I', found.privilege, found.object, other);
      END IF;
    END LOOP;
  END LOOP;
  DELETE FROM pgwarden.taken_from_public AS t WHERE t.role = taker;
  IF NOT EXISTS (SELECT FROM pgwarden.taken_from_public) THEN
    DROP TABLE pgwarden.taken_from_public;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = 'pgwarden'::regnamespace) THEN
      DROP SCHEMA pgwarden;
    END IF;
  END IF;
END
$tool$;

-- Drops a role that the script made, unless another database still needs it.
CREATE OR REPLACE PROCEDURE pg_temp.pgwarden_drop(dropped name)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tool$
BEGIN
  IF EXISTS (
    SELECT
    FROM pg_catalog.pg_roles AS r
    WHERE
      r.rolname = dropped
      AND pg_catalog.shobj_description(r.oid, 'pg_authid') = 'made by pgwarden policy script'
  ) THEN
    EXECUTE pg_catalog.format('DROP ROLE %I', dropped);
  END IF;
EXCEPTION
  WHEN dependent_objects_still_exist THEN
    RAISE NOTICE 'the role % stays: something still depends on it, here or in another database', dropped;
END
$tool$;
