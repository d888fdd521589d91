-- What the login may not read of each relation, by column number. A view that reads with its caller's rights is left
-- to PostgreSQL.
SELECT
  pg_catalog.json_build_object(
    'relation', c.oid::int8,
    'columns', pg_catalog.to_json(ARRAY(
      SELECT a.attnum::int4
      FROM pg_catalog.pg_attribute AS a
      WHERE
        a.attrelid = c.oid
        AND a.attnum > 0
        AND NOT a.attisdropped
        AND NOT COALESCE(pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'), FALSE)
    )),
    'everything', NOT COALESCE(pg_catalog.has_any_column_privilege(c.oid, 'SELECT'), FALSE),
    'row_security', c.relrowsecurity,
    'security_invoker', COALESCE(
      'security_invoker=true' = ANY (c.reloptions) OR 'security_invoker=on' = ANY (c.reloptions),
      FALSE
    )
  )::text
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
