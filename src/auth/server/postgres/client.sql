SELECT c.ends_us, c.body FROM pgwarden.oauth_client AS c WHERE c.hash = $1
