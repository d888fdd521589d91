WITH
  grants AS (DELETE FROM pgwarden.authorization_grant AS g WHERE g.ends_us <= $1),
  tokens AS (DELETE FROM pgwarden.authorization_token AS t WHERE t.ends_us <= $2),
  sessions AS (DELETE FROM pgwarden.browser_session AS s WHERE s.ends_us <= $1),
  consents AS (DELETE FROM pgwarden.consent AS c WHERE c.ends_us <= $1),
  clients AS (DELETE FROM pgwarden.oauth_client AS c WHERE c.ends_us <= $1)
SELECT
