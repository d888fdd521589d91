SELECT
  json_build_object(
    'severity', CASE
      WHEN t.seconds >= 3600 THEN 'critical'
      WHEN t.seconds >= 300 OR t.idle AND t.seconds >= 60 THEN 'warning'
      ELSE 'notice'
    END,
    'evidence', json_build_object(
      'pid', t.pid,
      'login', t.usename,
      'state', t.state,
      'transaction_seconds', t.seconds,
      'state_seconds', t.state_seconds,
      'holds_back_vacuum', t.backend_xmin IS NOT NULL OR t.backend_xid IS NOT NULL
    ),
    'remedy', CASE
      WHEN t.idle THEN format('SELECT pg_terminate_backend(%s); set idle_in_transaction_session_timeout', t.pid)
      ELSE format('SELECT pg_cancel_backend(%s)', t.pid)
    END
  )::text
FROM (
  SELECT
    a.*,
    a.state LIKE 'idle in transaction%' AS idle,
    floor(date_part('epoch', clock_timestamp() - a.xact_start))::int8 AS seconds,
    floor(date_part('epoch', clock_timestamp() - a.state_change))::int8 AS state_seconds
  FROM pg_stat_activity AS a
  WHERE
    a.datname = current_database()
    AND a.backend_type = 'client backend'
    AND a.pid <> pg_backend_pid()
    AND a.xact_start IS NOT NULL
) AS t
WHERE t.idle AND t.state_seconds >= 5 OR t.seconds >= 60
ORDER BY t.seconds DESC, t.pid
LIMIT 50
