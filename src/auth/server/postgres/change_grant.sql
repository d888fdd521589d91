UPDATE pgwarden.authorization_grant AS g
SET
  version = $3 + 1,
  generation = $4,
  again = $5,
  rotated_us = $6,
  ends_us = $7,
  body = $8,
  login = $9
WHERE g.id = $1 AND g.owner = $2 AND g.version = $3
RETURNING g.id
