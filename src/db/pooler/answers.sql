SELECT pg_catalog.pg_backend_pid(), SESSION_USER::pg_catalog.text
