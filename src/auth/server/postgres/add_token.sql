INSERT INTO pgwarden.authorization_token (hash, grant_id, kind, generation, scopes, ends_us, key)
VALUES ($1, $2, $3, $4, $5, $6, $7)
