CREATE SCHEMA w;
CREATE TABLE w.accounts (
  id integer PRIMARY KEY,
  tenant text NOT NULL,
  name text NOT NULL,
  email text,
  secret text,
  points integer NOT NULL DEFAULT 0,
  notes jsonb
);
INSERT INTO w.accounts VALUES
  (1, 'a', 'Ada', 'ada@example.org', 's1', 10, '{"n": "1"}'),
  (2, 'a', 'Bo', 'bo@example.org', 's2', 20, '{"n": "2"}'),
  (3, 'b', 'HIDDEN-Cleo', 'HIDDEN-cleo@example.org', 'HIDDEN-s3', 999999, '{"n": "HIDDEN"}');
CREATE TABLE w.orders (id integer PRIMARY KEY, account integer NOT NULL, amount numeric NOT NULL, state text NOT NULL DEFAULT 'new');
INSERT INTO w.orders VALUES (1, 1, 10, 'new'), (2, 2, 20, 'paid'), (3, 3, 30, 'paid');
CREATE TABLE w.events (id integer NOT NULL, tenant text NOT NULL, kind text NOT NULL) PARTITION BY LIST (tenant);
CREATE TABLE w.events_a PARTITION OF w.events FOR VALUES IN ('a');
CREATE TABLE w.events_b PARTITION OF w.events FOR VALUES IN ('b');
INSERT INTO w.events VALUES (1, 'a', 'view'), (2, 'b', 'view'), (3, 'a', 'click'), (4, 'b', 'click');
CREATE TABLE w.assets (id integer NOT NULL, tenant text NOT NULL, label text);
CREATE TABLE w.cars (wheels integer) INHERITS (w.assets);
INSERT INTO w.assets VALUES (1, 'a', 'x'), (2, 'b', 'x');
INSERT INTO w.cars VALUES (3, 'a', 'x', 4), (4, 'b', 'x', 4);
CREATE TABLE w.members (login text, tenant text);
INSERT INTO w.members VALUES ('ann', 'a');
CREATE TABLE w.inbox (id integer GENERATED ALWAYS AS IDENTITY, body text NOT NULL, loud text GENERATED ALWAYS AS (upper(body)) STORED);
CREATE VIEW w.names AS SELECT id, name FROM w.accounts;
CREATE TABLE w.fired (what text);
CREATE FUNCTION w.fire() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  'BEGIN INSERT INTO w.fired VALUES (TG_OP || '' '' || NEW.id); RETURN NEW; END';
CREATE TRIGGER fire BEFORE UPDATE ON w.accounts FOR EACH ROW EXECUTE FUNCTION w.fire();
GRANT USAGE ON SCHEMA w TO {login};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA w TO {login};
REVOKE SELECT, UPDATE, DELETE ON w.inbox FROM {login};
REVOKE ALL ON w.fired FROM {login};
ANALYZE;
