-- Types and operators of contrib extensions, where they are installed. Each block stands alone and gives up quietly
-- when its extension is not there; nothing else needs them.

CREATE SCHEMA extra;
COMMENT ON SCHEMA extra IS 'Extensions, and one table for each of them.';

DO $$
BEGIN
  CREATE EXTENSION citext SCHEMA extra;
  CREATE TABLE extra.nicknames (id integer PRIMARY KEY, nickname extra.citext UNIQUE);
  INSERT INTO extra.nicknames VALUES (1, 'Anna'), (2, 'BRAM'), (3, 'chloé');
  COMMENT ON TABLE extra.nicknames IS 'citext: anna finds Anna.';
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'skipped citext: %', SQLERRM;
END
$$;

DO $$
BEGIN
  CREATE EXTENSION hstore SCHEMA extra;
  CREATE TABLE extra.labels (id integer PRIMARY KEY, labels extra.hstore);
  INSERT INTO extra.labels VALUES (1, 'color => red, size => "XL"'), (2, '"with space" => NULL'), (3, '');
  COMMENT ON TABLE extra.labels IS 'hstore.';
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'skipped hstore: %', SQLERRM;
END
$$;

DO $$
BEGIN
  CREATE EXTENSION pg_trgm SCHEMA extra;
  CREATE TABLE extra.streets (id integer PRIMARY KEY, street text);
  INSERT INTO extra.streets VALUES (1, 'Kerkstraat'), (2, 'Kerkstraatje'), (3, 'Hauptstraße'), (4, 'High Street');
  CREATE INDEX streets_by_trigram ON extra.streets USING gin (street extra.gin_trgm_ops);
  COMMENT ON TABLE extra.streets IS 'pg_trgm: try street % ''Kerkstrat''.';
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'skipped pg_trgm: %', SQLERRM;
END
$$;

DO $$
BEGIN
  CREATE EXTENSION ltree SCHEMA extra;
  CREATE TABLE extra.shelves (id integer PRIMARY KEY, path extra.ltree);
  INSERT INTO extra.shelves VALUES (1, 'home'), (2, 'home.kitchen'), (3, 'home.kitchen.knives'), (4, 'sport.cycling');
  COMMENT ON TABLE extra.shelves IS 'ltree: try path <@ ''home''.';
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'skipped ltree: %', SQLERRM;
END
$$;

-- A foreign table over a file that is there on every server: its own configuration, one line a row. Hidden.
DO $$
BEGIN
  CREATE EXTENSION file_fdw SCHEMA extra;
  CREATE SERVER extra_files FOREIGN DATA WRAPPER file_fdw;
  EXECUTE pg_catalog.format(
    'CREATE FOREIGN TABLE extra.server_settings (line text) SERVER extra_files OPTIONS (filename %L, format %L, delimiter %L, quote %L)',
    pg_catalog.current_setting('config_file'), 'csv', E'\x01', E'\x02'
  );
  COMMENT ON FOREIGN TABLE extra.server_settings IS 'A file of the server. Nobody reads this.';
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'skipped file_fdw: %', SQLERRM;
END
$$;
