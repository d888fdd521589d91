SELECT
  id, committed, about, pg_catalog.octet_length(rows)::int8,
  pg_catalog.to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
  pg_catalog.to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM pgwarden.before_image
WHERE expires_at > pg_catalog.clock_timestamp()
ORDER BY created_at DESC, id
LIMIT $1
