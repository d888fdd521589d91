SELECT
  pg_catalog.json_build_object(
    'view', c.oid::int8,
    'types', pg_catalog.to_json(ARRAY(
      SELECT DISTINCT m.found[1]::int8
      FROM pg_catalog.pg_rewrite AS r
      CROSS JOIN LATERAL pg_catalog.regexp_matches(r.ev_action::text, ':resulttype (\d+)', 'g') AS m (found)
      WHERE r.ev_class = c.oid AND r.ev_type = '1'
    ))
  )::text
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
