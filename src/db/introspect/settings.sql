SELECT
  pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', TRUE)
  OPERATOR(pg_catalog.||) pg_catalog.set_config('statement_timeout', '30s', TRUE)
  OPERATOR(pg_catalog.||) pg_catalog.set_config('lock_timeout', '5s', TRUE)
  OPERATOR(pg_catalog.||) pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', TRUE)
  OPERATOR(pg_catalog.||) pg_catalog.set_config('jit', 'off', TRUE)
  OPERATOR(pg_catalog.||) pg_catalog.set_config('quote_all_identifiers', 'off', TRUE)
