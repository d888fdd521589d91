SELECT p.name
FROM pg_catalog.pg_prepared_statement() AS p
WHERE
  NOT p.from_sql
  AND p.name OPERATOR(pg_catalog.~) '^s[0-9]+$'::pg_catalog.text
  AND p.prepare_time OPERATOR(pg_catalog.>=) pg_catalog.transaction_timestamp()
