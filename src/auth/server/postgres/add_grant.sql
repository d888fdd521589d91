INSERT INTO pgwarden.authorization_grant
  (id, owner, version, generation, again, rotated_us, ends_us, body, login)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
