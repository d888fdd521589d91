WITH swept AS (
  DELETE FROM pgwarden.before_image WHERE expires_at <= pg_catalog.clock_timestamp()
)
INSERT INTO pgwarden.before_image (id, about, rows, expires_at)
VALUES ($1, $2, $3, pg_catalog.clock_timestamp() + $4::int8 * interval '1 second')
