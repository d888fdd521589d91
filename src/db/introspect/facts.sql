SELECT
  pg_catalog.json_build_object(
    'database', pg_catalog.current_database(),
    'database_comment', (
      SELECT pg_catalog.shobj_description(d.oid, 'pg_database')
      FROM pg_catalog.pg_database AS d
      WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
    ),
    'login', CURRENT_USER::text,
    'session_user', SESSION_USER::text,
    'server_version', pg_catalog.current_setting('server_version'),
    'server_version_num', pg_catalog.current_setting('server_version_num')::int4,
    'time_zone', pg_catalog.current_setting('TimeZone'),
    'server_encoding', pg_catalog.current_setting('server_encoding'),
    'in_recovery', pg_catalog.pg_is_in_recovery(),
    'search_path', pg_catalog.to_json(pg_catalog.current_schemas(FALSE)),
    'tls', (
      SELECT s.version
      FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a
      CROSS JOIN LATERAL (SELECT a.sslversion AS version WHERE a.ssl) AS s
    )
  )::text
