DELETE FROM pgwarden.authorization_grant AS g
USING (
  SELECT o.id
  FROM pgwarden.authorization_grant AS o
  WHERE o.owner = $1 AND o.generation = 0
  ORDER BY o.rotated_us DESC, o.id DESC
  OFFSET $2
) AS surplus
WHERE g.id = surplus.id
