UPDATE pgwarden.oauth_client AS c SET ends_us = GREATEST(c.ends_us, $2) WHERE c.hash = $1
