INSERT INTO pgwarden.owner (issuer, subject, client) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
