SELECT g.id, g.owner, g.version, g.generation, g.again, g.rotated_us, g.ends_us, g.body, g.login
FROM pgwarden.authorization_grant AS g
WHERE g.owner = $1
ORDER BY g.rotated_us DESC, g.id DESC
