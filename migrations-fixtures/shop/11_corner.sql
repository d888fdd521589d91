-- The hostile corner: what a careless or a malicious colleague leaves in a database. Nothing here is needed by the
-- shop; everything here must be refused by, or be harmless behind, a gate. Hidden values start with HIDDEN-.
-- Where a function is reached that must not be, it says so in a notice that starts with HOSTILE-CODE-RAN.

CREATE SCHEMA corner;
COMMENT ON SCHEMA corner IS 'Odd names, traps and mistakes. For trying to break in.';

-- Odd names. Escaped here so that this file stays readable. -----------------------------------------------------

CREATE TABLE corner."Weird Name" ("Col A" integer, "select" text, "a""b" integer, "CamelCase" text, "größe" numeric, "100%" text);
INSERT INTO corner."Weird Name" VALUES (1, 'reserved word', 2, 'camel', 3.5, 'per cent'), (2, NULL, NULL, 'hump', NULL, '');
COMMENT ON TABLE corner."Weird Name" IS 'Every name needs quotes; one has a quote in it.';
COMMENT ON COLUMN corner."Weird Name"."a""b" IS 'Its name is a, double quote, b.';

CREATE TABLE corner.control_names (id integer, U&"tab\0009here" integer, U&"line\000Abreak" integer, U&"zero\200Bwidth" integer, U&"right\202Eleft" integer);
INSERT INTO corner.control_names VALUES (1, 2, 3, 4, 5);
COMMENT ON TABLE corner.control_names IS 'Column names with a tab, a line break, a zero-width space and a bidi override.';

CREATE TABLE corner."only" (id integer, note text);
INSERT INTO corner."only" VALUES (1, 'a table that is called only');
COMMENT ON TABLE corner."only" IS 'Called like the keyword.';

CREATE TABLE corner.a_name_of_exactly_sixty_three_bytes_which_is_all_that_fits_here (id integer);
INSERT INTO corner.a_name_of_exactly_sixty_three_bytes_which_is_all_that_fits_here VALUES (63);

CREATE TABLE corner.no_columns ();
COMMENT ON TABLE corner.no_columns IS 'A table without columns and with two rows.';
INSERT INTO corner.no_columns DEFAULT VALUES;
INSERT INTO corner.no_columns DEFAULT VALUES;

-- Lookalikes. corner.orders is meant to be read; its doubles are not. --------------------------------------------

CREATE TABLE corner.orders (id integer, note text);
INSERT INTO corner.orders VALUES (1, 'the real corner.orders');
CREATE TABLE corner."Orders" (id integer, note text);
INSERT INTO corner."Orders" VALUES (1, 'HIDDEN-DOUBLE-capital');
CREATE TABLE corner.orders_ (id integer, note text);
INSERT INTO corner.orders_ VALUES (1, 'HIDDEN-DOUBLE-underscore');
CREATE TABLE corner."order" (id integer, note text);
INSERT INTO corner."order" VALUES (1, 'HIDDEN-DOUBLE-singular');
CREATE TABLE corner."orders " (id integer, note text);
INSERT INTO corner."orders " VALUES (1, 'HIDDEN-DOUBLE-trailing-space');
CREATE TABLE corner.U&"\043Erders" (id integer, note text);
INSERT INTO corner.U&"\043Erders" VALUES (1, 'HIDDEN-DOUBLE-cyrillic-o');
CREATE TABLE corner.U&"orders\200B" (id integer, note text);
INSERT INTO corner.U&"orders\200B" VALUES (1, 'HIDDEN-DOUBLE-zero-width');
COMMENT ON TABLE corner.orders IS 'The one that is meant to be read.';

CREATE SCHEMA "Shop";
COMMENT ON SCHEMA "Shop" IS 'Not shop.';
CREATE TABLE "Shop".customers (id integer, full_name text);
INSERT INTO "Shop".customers VALUES (1, 'HIDDEN-DOUBLE-schema');
CREATE TABLE corner.pg_class (oid oid, relname name);
INSERT INTO corner.pg_class VALUES (1, 'HIDDEN-DOUBLE-catalog');

-- A hidden table and the ways round the lock on it. --------------------------------------------------------------

CREATE TABLE corner.vault (id integer PRIMARY KEY, owner text NOT NULL, token text NOT NULL);
INSERT INTO corner.vault SELECT g, 'owner ' || g, 'HIDDEN-VAULT-' || g FROM generate_series(1, 20) AS g;
COMMENT ON TABLE corner.vault IS 'Nobody reads this.';

CREATE VIEW corner.vault_view AS SELECT id, owner, token FROM corner.vault;
COMMENT ON VIEW corner.vault_view IS 'Reads corner.vault with the rights of its owner.';
CREATE VIEW corner.vault_view_of_view AS SELECT v.id, v.token AS label FROM corner.vault_view AS v;
COMMENT ON VIEW corner.vault_view_of_view IS 'The same behind one more view, under a harmless name.';
CREATE VIEW corner.vault_count AS SELECT count(*) AS tokens FROM corner.vault;
CREATE VIEW corner.vault_barrier WITH (security_barrier) AS SELECT id, token FROM corner.vault WHERE id > 10;
CREATE MATERIALIZED VIEW corner.vault_copy AS SELECT id, token FROM corner.vault;
COMMENT ON MATERIALIZED VIEW corner.vault_copy IS 'A copy of the hidden rows.';

CREATE VIEW corner.customer_rows AS SELECT c.id, c AS customer FROM shop.customers AS c;
COMMENT ON VIEW corner.customer_rows IS 'Hands out whole rows of shop.customers, the hidden columns within.';
CREATE VIEW corner.customer_logins AS SELECT c.id, c.email, c.password_hash AS login_code FROM shop.customers AS c;
COMMENT ON VIEW corner.customer_logins IS 'A hidden column under another name.';
CREATE VIEW corner.customer_names AS SELECT c.id, c.full_name FROM shop.customers AS c;
COMMENT ON VIEW corner.customer_names IS 'Harmless: no hidden column of shop.customers in it.';
CREATE VIEW corner.all_tickets AS SELECT t.id, t.team, t.subject FROM shop.support_tickets AS t;
COMMENT ON VIEW corner.all_tickets IS 'Reads past the row level security of shop.support_tickets, being owned by a superuser.';

CREATE TABLE corner.graffiti (id integer GENERATED ALWAYS AS IDENTITY, wall text);
INSERT INTO corner.graffiti (wall) VALUES ('clean');
COMMENT ON TABLE corner.graffiti IS 'One row. Any other row was written through a hole.';
CREATE RULE paint_instead AS ON UPDATE TO corner.graffiti DO INSTEAD INSERT INTO corner.graffiti (wall) VALUES ('painted by a rule');

CREATE SEQUENCE corner.tickets;
COMMENT ON SEQUENCE corner.tickets IS 'Never used: its last_value stays 1, is_called stays false.';

-- Inheritance: reading the parent reads the children, whatever was granted on them. ------------------------------

CREATE TABLE corner.measurements (taken_at timestamp with time zone, value numeric, place text);
INSERT INTO corner.measurements VALUES ('2026-01-01 00:00+00', 1.5, 'hall'), ('2026-01-02 00:00+00', 2.5, 'hall');
CREATE TABLE corner.measurements_attic (humidity numeric) INHERITS (corner.measurements);
INSERT INTO corner.measurements_attic VALUES ('2026-01-03 00:00+00', 3.5, 'attic', 60);
CREATE TABLE corner.measurements_hidden (reason text) INHERITS (corner.measurements);
INSERT INTO corner.measurements_hidden VALUES ('2026-01-04 00:00+00', 4.5, 'HIDDEN-CHILD-cellar', 'HIDDEN-CHILD-reason');
CREATE TABLE corner.places (place text, owner text);
INSERT INTO corner.places VALUES ('hall', 'nobody');
CREATE TABLE corner.measurements_of_places (checked boolean) INHERITS (corner.measurements, corner.places);
INSERT INTO corner.measurements_of_places (taken_at, value, place, owner, checked) VALUES ('2026-01-05 00:00+00', 5.5, 'garage', 'somebody', true);
COMMENT ON TABLE corner.measurements IS 'Has three children, one of them hidden, one with two parents.';
COMMENT ON TABLE corner.measurements_hidden IS 'Nobody reads this; but it is a child.';
