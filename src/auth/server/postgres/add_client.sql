INSERT INTO pgwarden.oauth_client (hash, ends_us, body)
SELECT $1, $2, $3
WHERE (SELECT pg_catalog.count(*) FROM pgwarden.oauth_client) < $4
RETURNING hash
