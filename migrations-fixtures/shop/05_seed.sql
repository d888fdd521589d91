-- What the rows are made from. Dropped again in 14_finish.sql.
--
-- No random(): every value is a hash of its row number and a salt. hashint8extended is what hash partitions are
-- laid out by, so its results cannot change from one major version to the next.

CREATE SCHEMA seed;

-- A number from 0 to sides - 1.
CREATE FUNCTION seed.dice(n bigint, salt bigint, sides bigint) RETURNS bigint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT (pg_catalog.hashint8extended(n, salt) & 9223372036854775807) % sides $$;

CREATE FUNCTION seed.pick(choices text[], n bigint, salt bigint) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT choices[1 + seed.dice(n, salt, pg_catalog.array_length(choices, 1)::bigint)] $$;

-- Few get much: rank 0 of 8,000 comes about one time in ninety, the last one in 16,000.
CREATE FUNCTION seed.rank_of(n bigint, salt bigint, ranks bigint) RETURNS bigint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT seed.dice(n, salt, ranks * 64) * seed.dice(n, salt, ranks * 64) / (ranks * 4096) $$;

CREATE FUNCTION seed.customer_of(rank bigint) RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT (rank * 3571 % 8000 + 1)::integer $$;

CREATE FUNCTION seed.product_of(rank bigint) RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT (rank * 211 % 500 + 1)::integer $$;

-- Old customers have the low ranks; the others joined while the data runs.
CREATE FUNCTION seed.joined_at(rank bigint) RETURNS timestamp with time zone
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$
    SELECT CASE
      WHEN rank < 4000 THEN timestamptz '2022-01-03 08:00:00+00'
        + interval '1 second' * seed.dice(rank, 101, 3240 * 31500)
      ELSE timestamptz '2025-04-01 07:00:00+00' + interval '1 second' * seed.dice(rank, 102, 546 * 86000)
    END
  $$;

CREATE FUNCTION seed.uuid_of(n bigint, salt bigint) RETURNS uuid
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$
    SELECT (pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.hashint8extended(n, salt)), 16, '0')
      || pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.hashint8extended(n, salt + 1)), 16, '0'))::uuid
  $$;

CREATE FUNCTION seed.first_name(n bigint, salt bigint) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$
    SELECT seed.pick(
      '{Anna,Bram,Carla,Daan,Elif,Femke,Gijs,Hanna,Ines,Jan,Katja,Lars,Mila,Noor,Oskar,Paula,Quinten,Rosa,Sven,
        Tess,Ulrike,Vera,Wouter,Yara,Zeynep,Aleksandra,Benoît,Chloé,Dirk,Émile,François,Greta,Hugo,Ilse,Jürgen,
        Koen,Lucía,Maëlle,Niels,Olga,Pedro,Rania,Søren,Thijs,Uwe,Valentina,Willem,Ximena,Youssef,Žofia}'::text[],
      n, salt)
  $$;

CREATE FUNCTION seed.last_name(n bigint, salt bigint) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$
    SELECT seed.pick(
      '{Achterberg,Bakker,Claes,"de Boer","de Vries",Dubois,Eriksen,Fischer,García,Hendriks,Hofmann,"van den Berg",
        Jansen,Kowalska,Lambert,Lefèvre,Maes,Meyer,Moreau,Mulder,Müller,Navarro,Nielsen,"O''Brien",Peeters,Pereira,
        Petit,Peters,Rousseau,Ruiz,Schäfer,Schmidt,Schneider,Smit,Sørensen,Thomas,Visser,Vogel,Wagner,Weber,
        Willems,Wouters,Yılmaz,Zimmermann,Ziegler,Okafor,Nowak,Lindqvist,Horváth,Bianchi}'::text[],
      n, salt)
  $$;

-- Days of trade, and the number of the last order of each. Growth of about half over the time, a summer dip,
-- a peak before Christmas, quiet Sundays.
CREATE TABLE seed.days AS
WITH weighed AS (
  SELECT
    day,
    (
      (100 + (day - date '2025-04-01') / 10)
      * CASE extract(month FROM day)::integer
          WHEN 11 THEN 155 WHEN 12 THEN 170 WHEN 1 THEN 85 WHEN 7 THEN 88 WHEN 8 THEN 82 ELSE 100 END
      * CASE extract(isodow FROM day)::integer WHEN 7 THEN 60 WHEN 6 THEN 90 WHEN 1 THEN 120 ELSE 100 END
    )::bigint AS weight
  FROM (SELECT date '2025-04-01' + n AS day FROM generate_series(0, 547) AS n) AS days
)
SELECT
  day,
  (36000 * (sum(weight) OVER (ORDER BY day) - weight) / sum(weight) OVER ())::bigint AS orders_before,
  (36000 * sum(weight) OVER (ORDER BY day) / sum(weight) OVER ())::bigint AS orders_until
FROM weighed;
