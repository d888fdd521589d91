SELECT
  t.hash, t.grant_id, t.kind, t.generation, t.scopes, t.ends_us, t.key,
  g.id, g.owner, g.version, g.generation, g.again, g.rotated_us, g.ends_us, g.body, g.login
FROM pgwarden.authorization_token AS t
JOIN pgwarden.authorization_grant AS g ON g.id = t.grant_id
WHERE t.hash = $1
