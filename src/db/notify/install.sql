-- PostgreSQL itself tells pgwarden of every change of the schema, at once. Run it in each database that is
-- served, as a superuser or whoever else may create event triggers there. `pgwarden notify script --reverse` undoes it.
--
-- A notification carries no name and no value: it only makes pgwarden look. Who changes the schema in a transaction cannot
-- use PREPARE TRANSACTION for it from here on, since PostgreSQL does not prepare notifications.
BEGIN;

CREATE SCHEMA pgwarden_notify;

REVOKE ALL ON SCHEMA pgwarden_notify FROM PUBLIC;

-- Runs with the rights of whoever changes the schema, and needs none: not even that to call pg_notify().
CREATE FUNCTION pgwarden_notify.tell() RETURNS event_trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NOTIFY pgwarden_ddl;
END
$$;

REVOKE ALL ON FUNCTION pgwarden_notify.tell() FROM PUBLIC;

CREATE EVENT TRIGGER pgwarden_ddl ON ddl_command_end EXECUTE FUNCTION pgwarden_notify.tell();

COMMIT;
