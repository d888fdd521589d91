DELETE FROM pgwarden.browser_session AS s WHERE s.hash = $1
