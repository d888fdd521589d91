-- A login that can read what it should and nothing else. Run as a superuser in the sample database, any number of times.
--
-- Two variables, as psql spells them: login (the name of the role) and password (the password, or a SCRAM verifier).
--   psql -v login=pgwarden -v password=... -f login.sql
-- A loader that is not psql replaces these variables in the text (README.md says how).
-- Roles belong to the cluster, not to the database: give each database its own name where several share a cluster.

-- psql does not look into dollar quotes, so the name goes there by a setting.
SELECT pg_catalog.set_config('pgwarden_fixture.login', :'login', false);

DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_roles WHERE rolname = pg_catalog.current_setting('pgwarden_fixture.login')
  ) THEN
    EXECUTE pg_catalog.format('CREATE ROLE %I', pg_catalog.current_setting('pgwarden_fixture.login'));
  END IF;
END
$$;

ALTER ROLE :"login" WITH
  LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
  CONNECTION LIMIT 50
  PASSWORD :'password';

-- The last line of defence, should everything in front of it fail.
ALTER ROLE :"login" SET default_transaction_read_only = on;
ALTER ROLE :"login" SET statement_timeout = '30s';
ALTER ROLE :"login" SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE :"login" SET lock_timeout = '5s';
ALTER ROLE :"login" SET temp_file_limit = '256MB';
ALTER ROLE :"login" SET work_mem = '16MB';
ALTER ROLE :"login" SET max_parallel_workers_per_gather = 1;
-- Compiling makes a cancel slow.
ALTER ROLE :"login" SET jit = off;
ALTER ROLE :"login" SET timezone = 'UTC';
ALTER ROLE :"login" SET search_path = shop, staff, app;

-- The database is called differently on every machine.
DO $$
BEGIN
  EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', pg_catalog.current_database());
  EXECUTE pg_catalog.format(
    'GRANT CONNECT ON DATABASE %I TO %I',
    pg_catalog.current_database(),
    pg_catalog.current_setting('pgwarden_fixture.login')
  );
END
$$;

GRANT USAGE ON SCHEMA shop, staff, app TO :"login";

GRANT SELECT ON
  shop.addresses, shop.products, shop.promotions, shop.orders, shop.order_items, shop.stock_movements, shop.reviews,
  shop.support_tickets, shop.order_totals, shop.monthly_sales,
  staff.departments,
  app.team_access
TO :"login";

-- Tables with columns that nobody should see: the others, by name. A column that is added later stays hidden.
GRANT SELECT (
  id, customer_no, full_name, company, email, phone, birth_date, segment, loyalty_points, marketing_opt_in,
  preferences, referred_by, created_at
) ON shop.customers TO :"login";
GRANT SELECT (id, order_id, ordered_at, method, amount, outcome, paid_at) ON shop.payments TO :"login";
GRANT SELECT (
  id, full_name, email, job_title, department_id, manager_id, skills, hired_on, left_on
) ON staff.employees TO :"login";
GRANT SELECT (id, customer_id, ip, user_agent, started_at, ended_at, pages_seen, flags) ON app.sessions TO :"login";
-- Not at all: staff.payroll, app.api_keys.

-- Support tickets of these teams; row level security hides those of fraud and legal.
INSERT INTO app.team_access (login, team)
VALUES (:'login', 'delivery'), (:'login', 'product'), (:'login', 'billing')
ON CONFLICT DO NOTHING;

-- Built-in functions that anyone may call, that act or reach round grants even inside a read-only transaction, and that no
-- reading login needs. For this database only; they stay usable for superusers.
DO $$
DECLARE
  routine regprocedure;
BEGIN
  FOR routine IN
    SELECT p.oid
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace
      AND (
        p.proname IN (
          'lo_create', 'lo_creat', 'lo_from_bytea', 'lo_put', 'lo_unlink', 'lo_open', 'lo_get', 'lo_truncate',
          'lo_truncate64', 'loread', 'lowrite',
          'pg_notify', 'pg_logical_emit_message', 'pg_export_snapshot',
          'pg_cancel_backend', 'pg_terminate_backend',
          'brin_summarize_new_values', 'brin_summarize_range', 'brin_desummarize_range', 'gin_clean_pending_list',
          'query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema', 'cursor_to_xml', 'cursor_to_xmlschema',
          'table_to_xml', 'table_to_xmlschema', 'table_to_xml_and_xmlschema',
          'schema_to_xml', 'schema_to_xmlschema', 'schema_to_xml_and_xmlschema',
          'database_to_xml', 'database_to_xmlschema', 'database_to_xml_and_xmlschema',
          'ts_stat', 'currtid2', 'txid_current', 'pg_current_xact_id', 'nextval', 'setval'
        )
        OR p.proname LIKE 'pg\_advisory\_%'
        OR p.proname LIKE 'pg\_try\_advisory\_%'
        OR (p.proname = 'ts_rewrite' AND p.pronargs = 2)
      )
  LOOP
    EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
  END LOOP;
END
$$;

-- The functions that run as whoever calls them stay; the one that runs as its owner goes.
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA shop, staff FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.with_vat(numeric, numeric), shop.stock_of(integer), staff.reports_of(integer)
  TO :"login";

-- The extensions' tables, where optional/extensions.sql found their extension; not the foreign table.
DO $$
DECLARE
  login text := pg_catalog.current_setting('pgwarden_fixture.login');
  relation text;
BEGIN
  IF pg_catalog.to_regnamespace('extra') IS NULL THEN
    RETURN;
  END IF;
  EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA extra TO %I', login);
  FOREACH relation IN ARRAY ARRAY['nicknames', 'labels', 'streets', 'shelves'] LOOP
    IF pg_catalog.to_regclass('extra.' || relation) IS NOT NULL THEN
      EXECUTE pg_catalog.format('GRANT SELECT ON extra.%I TO %I', relation, login);
    END IF;
  END LOOP;
END
$$;
