DELETE FROM pgwarden.authorization_token AS t
USING (
  SELECT o.hash
  FROM pgwarden.authorization_token AS o
  WHERE o.grant_id = $1 AND o.kind = 'access' AND o.ends_us > $2
  ORDER BY o.generation DESC, o.ends_us DESC, o.hash DESC
  OFFSET $3
) AS surplus
WHERE t.hash = surplus.hash
