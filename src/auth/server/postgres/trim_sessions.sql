DELETE FROM pgwarden.browser_session AS s
USING (
  SELECT o.hash
  FROM pgwarden.browser_session AS o
  WHERE o.owner = $1
  ORDER BY o.ends_us DESC, o.hash DESC
  OFFSET $2
) AS surplus
WHERE s.hash = surplus.hash
