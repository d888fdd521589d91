CREATE TABLE lab.odd (
  id integer PRIMARY KEY,
  tenant text NOT NULL,
  german text COLLATE "C",
  english text COLLATE "POSIX",
  huge numeric,
  ratio double precision,
  day date,
  moment timestamp with time zone
);
INSERT INTO lab.odd VALUES (3, 'b', 'HIDDEN-x', 'HIDDEN-y', 1e400, 1, 'infinity', '2026-01-01');
CREATE TABLE lab.events (id integer NOT NULL, tenant text NOT NULL, at date NOT NULL, secret text) PARTITION BY LIST (tenant);
CREATE TABLE lab.events_a PARTITION OF lab.events FOR VALUES IN ('a');
CREATE TABLE lab.events_b PARTITION OF lab.events FOR VALUES IN ('b');
INSERT INTO lab.events VALUES (1, 'a', '2026-01-01', 'shown'), (2, 'b', '2026-01-02', 'HIDDEN-event');
CREATE TABLE lab.assets (id integer PRIMARY KEY, tenant text NOT NULL, secret text);
CREATE TABLE lab.cars (wheels integer) INHERITS (lab.assets);
INSERT INTO lab.assets VALUES (1, 'a', 'shown'), (2, 'b', 'HIDDEN-asset');
INSERT INTO lab.cars VALUES (3, 'a', 'shown', 4), (4, 'b', 'HIDDEN-car', 999999);
GRANT SELECT ON ALL TABLES IN SCHEMA lab TO {login};
CREATE VIEW lab.all_assets AS SELECT * FROM lab.assets;
CREATE TYPE lab.box AS (c lab.cars);
CREATE TABLE lab.wrapped (id integer, c lab.cars);
INSERT INTO lab.wrapped SELECT c.id, c FROM lab.cars AS c;
CREATE TABLE lab.boxed (b lab.box);
INSERT INTO lab.boxed SELECT ROW (c)::lab.box FROM lab.cars AS c;
CREATE TABLE lab."a.b*" AS SELECT 'HIDDEN-odd' AS x;
CREATE TABLE lab."Größe" AS SELECT 'HIDDEN-odd' AS x;
CREATE TABLE lab."select" AS SELECT 'HIDDEN-odd' AS x;
GRANT SELECT ON ALL TABLES IN SCHEMA lab TO {login};
CREATE TABLE lab.many (tenant text NOT NULL, n integer NOT NULL);
INSERT INTO lab.many SELECT CASE WHEN n % 3 = 0 THEN 'a' ELSE 't' || n END, n FROM generate_series(1, 3000) AS n;
ANALYZE lab.many;
GRANT SELECT ON lab.many TO {login};
