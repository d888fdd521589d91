SELECT pg_catalog.count(pg_catalog.set_config(s.name, s.value, TRUE)), pg_catalog.pg_backend_pid()
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS s (name, value)
