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
