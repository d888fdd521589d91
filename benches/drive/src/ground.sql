-- What the program is measured over: 300 tables, and one of a million rows with seven columns of the usual types.
CREATE ROLE reader LOGIN;
CREATE SCHEMA bench;
CREATE TABLE bench.items (
    id integer PRIMARY KEY, uid uuid, body text, price numeric(12, 4), created_at timestamptz, attrs jsonb, note text
);
INSERT INTO bench.items
    SELECT n, md5(n::text)::uuid, rpad('item ' || n || ' ' || md5((n * 7)::text), 60, 'words of a body '),
        (n * 1.2345)::numeric(12, 4), timestamptz '2024-01-01 00:00:00+00' + n * interval '17 seconds',
        jsonb_build_object('k', n % 100, 'ok', n % 2 = 0, 'tag', 't' || (n % 1000)),
        CASE WHEN n % 3 <> 0 THEN 'note ' || (n % 50) END
    FROM generate_series(1, $ROWS) AS n;
DO $$ BEGIN
    FOR n IN 1..300 LOOP
        EXECUTE format('CREATE TABLE bench.t%s (id integer PRIMARY KEY, name text, at timestamptz, amount numeric, of integer)', n);
    END LOOP;
END $$;
GRANT USAGE ON SCHEMA bench TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA bench TO reader;
ANALYZE bench.items;
