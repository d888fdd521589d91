-- $1: hashes of 32 bytes, one behind the other.
SELECT t.hash
FROM pg_catalog.generate_series(0, pg_catalog.octet_length($1) / 32 - 1) AS n
JOIN pgwarden.authorization_token AS t ON t.hash = pg_catalog.substring($1, n * 32 + 1, 32)
