SELECT s.owner, s.seen_us, s.ends_us, s.body, s.login
FROM pgwarden.browser_session AS s
WHERE s.hash = $1
