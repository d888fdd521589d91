-- What the session is comes after the settings: a target list is evaluated behind its aggregates.
SELECT
  pg_catalog.count(pg_catalog.set_config(s.name, s.value, TRUE)),
  pg_catalog.pg_backend_pid(),
  pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'on'::pg_catalog.text,
  CURRENT_USER::pg_catalog.text,
  SESSION_USER::pg_catalog.text,
  pg_catalog.current_setting('standard_conforming_strings') OPERATOR(pg_catalog.=) 'on'::pg_catalog.text
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS s (name, value)
