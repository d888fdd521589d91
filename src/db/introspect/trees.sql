-- Stored expressions as PostgreSQL keeps them: of views, of row security policies, of CHECKs of domains.
SELECT
  pg_catalog.json_build_object('owner', 'relation', 'oid', c.oid::int8, 'tree', r.ev_action::text)::text
FROM pg_catalog.pg_rewrite AS r
JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
  r.ev_type = '1'
  AND c.relkind IN ('v', 'm')
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
UNION ALL
SELECT
  pg_catalog.json_build_object('owner', 'policy', 'oid', p.polrelid::int8, 'tree', e.tree)::text
FROM pg_catalog.pg_policy AS p
CROSS JOIN LATERAL (VALUES (p.polqual::text), (p.polwithcheck::text)) AS e (tree)
WHERE e.tree IS NOT NULL
UNION ALL
SELECT
  pg_catalog.json_build_object('owner', 'type', 'oid', k.contypid::int8, 'tree', k.conbin::text)::text
FROM pg_catalog.pg_constraint AS k
WHERE k.contypid <> 0 AND k.conbin IS NOT NULL
