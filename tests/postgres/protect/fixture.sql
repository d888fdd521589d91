CREATE SCHEMA lab;
CREATE TYPE lab.state AS ENUM ('open', 'paid', 'HIDDEN-state');
CREATE TABLE lab.customers (
  id integer PRIMARY KEY,
  tenant text NOT NULL,
  name text NOT NULL,
  email text,
  phone varchar(20),
  ssn text,
  born date,
  seen timestamp with time zone,
  balance numeric(12, 2),
  points integer,
  notes json
);
INSERT INTO lab.customers VALUES
  (1, 'a', 'Ada', 'ada@example.org', '+31 20 1234567', '111-11-1111', '1990-05-17', '2026-03-14 15:09:26+00', 1234.56, 1999, '{"n": 1}'),
  (2, 'a', 'Bo', 'b@example.com', NULL, '222-22-2222', '2001-12-31', '2026-01-01 00:00:00+00', -50, -5, '{"n": 2}'),
  (3, 'b', 'HIDDEN-Cleo', 'HIDDEN-c@example.org', 'HIDDEN-3', 'HIDDEN-333', '1970-01-01', '2026-02-02 02:02:02+00', 999999, 999999, '{"n": "HIDDEN-3"}');
CREATE TABLE lab.orders (
  id integer PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES lab.customers,
  tenant text NOT NULL,
  amount numeric(12, 2) NOT NULL,
  placed date NOT NULL,
  state lab.state NOT NULL,
  note text
);
INSERT INTO lab.orders VALUES
  (10, 1, 'a', 100, '2026-01-10', 'paid', 'first'),
  (11, 1, 'a', 250, '2026-02-11', 'open', 'second'),
  (12, 2, 'a', 70, '2026-02-12', 'paid', NULL),
  (13, 3, 'b', 999999, '2026-03-13', 'HIDDEN-state', 'HIDDEN-note');
CREATE TABLE lab.members (login text PRIMARY KEY, tenant text NOT NULL);
INSERT INTO lab.members VALUES ('ann', 'a'), ('ben', 'HIDDEN-b');
CREATE VIEW lab.customer_names AS SELECT id, name FROM lab.customers;
CREATE FUNCTION lab.double(x integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN x * 2; END';
CREATE FUNCTION lab.count_all() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = ''
  AS 'SELECT pg_catalog.count(*) FROM lab.customers';
ANALYZE;
GRANT USAGE ON SCHEMA lab TO {login};
GRANT SELECT ON ALL TABLES IN SCHEMA lab TO {login};
