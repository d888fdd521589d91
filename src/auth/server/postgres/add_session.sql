INSERT INTO pgwarden.browser_session (hash, owner, seen_us, ends_us, body, login)
VALUES ($1, $2, $3, $4, $5, $6)
