DELETE FROM pgwarden.authorization_token AS t WHERE t.hash = $1
