-- The schemas of the sample shop. Loaded as a superuser into an empty UTF8 database.

CREATE SCHEMA shop;
CREATE SCHEMA staff;
CREATE SCHEMA app;

COMMENT ON SCHEMA shop IS
  'What the shop sells and to whom: customers, products, orders from 2025-04-01 to 2026-09-30 (UTC), amounts in EUR.';
COMMENT ON SCHEMA staff IS 'The people who work here, with the line of management.';
COMMENT ON SCHEMA app IS 'What the web shop keeps for itself: sessions, keys, who may see which support tickets.';

-- COMMENT ON DATABASE takes no expression, and the database is called differently on every machine.
DO $$
BEGIN
  EXECUTE pg_catalog.format(
    'COMMENT ON DATABASE %I IS %L',
    pg_catalog.current_database(),
    'Sample shop for pgwarden. Invented, deterministic, frozen at the end of 2026-09-30 UTC: '
    || 'read "today" as 2026-09-30 and "last quarter" as July to September 2026.'
  );
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
