DELETE FROM pgwarden.authorization_grant AS g WHERE g.id = $1 RETURNING g.id
