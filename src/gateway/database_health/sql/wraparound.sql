WITH ages AS (
  SELECT
    'xid' AS kind,
    age(d.datfrozenxid)::int8 AS age,
    current_setting('autovacuum_freeze_max_age')::int8 AS freeze_at,
    NULL::oid AS relation,
    NULL AS name
  FROM pg_database AS d
  WHERE d.datname = current_database()
  UNION ALL
  SELECT
    'multixact',
    mxid_age(d.datminmxid),
    current_setting('autovacuum_multixact_freeze_max_age')::int8,
    NULL,
    NULL
  FROM pg_database AS d
  WHERE d.datname = current_database()
  UNION ALL
  SELECT
    'xid',
    age(c.relfrozenxid),
    current_setting('autovacuum_freeze_max_age')::int8,
    c.oid,
    format('%I.%I', n.nspname, c.relname)
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.oid = ANY (($1::text)::oid[])
)
SELECT
  json_build_object(
    'parts', CASE
      WHEN a.relation IS NULL THEN '[]'::json
      ELSE json_build_array(json_build_object('relation', a.relation::int8, 'columns', '[]'::json))
    END,
    'object', a.name,
    'severity', CASE WHEN a.age >= 1500000000 THEN 'critical' ELSE 'warning' END,
    'evidence', json_build_object(
      'of', a.kind,
      'age', a.age,
      'percent', round(a.age * 100 / 2147483648.0, 1),
      'vacuum_forced_at', a.freeze_at
    ),
    'remedy', CASE
      WHEN a.relation IS NULL
        THEN 'VACUUM (FREEZE), and end what holds it back: long transactions, prepared transactions, replication slots'
      ELSE format('VACUUM (FREEZE) %s', a.name)
    END
  )::text
FROM ages AS a
-- Autovacuum begins at `freeze_at`: beyond it does not keep up.
WHERE a.age >= 1500000000 OR a.age > a.freeze_at * 1.2
ORDER BY a.relation IS NOT NULL, a.age DESC, a.name
LIMIT 50
