DELETE FROM pgwarden.browser_session AS s WHERE s.owner = $1
