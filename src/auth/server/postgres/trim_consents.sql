DELETE FROM pgwarden.consent AS c
USING (
  SELECT o.hash
  FROM pgwarden.consent AS o
  WHERE o.owner = $1
  ORDER BY o.ends_us DESC, o.hash DESC
  OFFSET $2
) AS surplus
WHERE c.hash = surplus.hash
