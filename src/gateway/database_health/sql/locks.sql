SELECT
  json_build_object(
    'parts', CASE
      WHEN w.relation IS NULL THEN '[]'::json
      ELSE json_build_array(json_build_object('relation', w.relation::int8, 'columns', '[]'::json))
    END,
    'object', w.name,
    'severity', CASE WHEN w.seconds >= 60 THEN 'critical' WHEN w.seconds >= 5 THEN 'warning' ELSE 'notice' END,
    'evidence', json_build_object(
      'pid', w.pid,
      'login', w.usename,
      'waited_seconds', w.seconds,
      'waits_for', w.locktype,
      'mode', w.mode,
      'blocked_by', (
        SELECT
          json_agg(
            json_build_object(
              'pid', b.pid,
              'login', b.usename,
              'state', b.state,
              'transaction_seconds', floor(date_part('epoch', clock_timestamp() - b.xact_start))::int8
            )
            ORDER BY b.pid
          )
        FROM pg_stat_activity AS b
        WHERE b.pid = ANY (w.blockers)
      )
    ),
    'remedy', format('SELECT pg_terminate_backend(%s), or wait for it', w.blockers[1])
  )::text
FROM (
  SELECT
    a.pid,
    a.usename,
    l.locktype,
    l.mode,
    c.oid AS relation,
    format('%I.%I', n.nspname, c.relname) AS name,
    COALESCE(floor(date_part('epoch', clock_timestamp() - l.waitstart))::int8, 0) AS seconds,
    pg_blocking_pids(l.pid) AS blockers
  FROM pg_locks AS l
  JOIN pg_stat_activity AS a ON a.pid = l.pid
  -- Who waits for another transaction's row holds a lock of the row.
  LEFT JOIN pg_locks AS r ON l.relation IS NULL AND r.pid = l.pid AND r.locktype = 'tuple' AND r.granted
  LEFT JOIN pg_class AS c ON c.oid = COALESCE(l.relation, r.relation)
  LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE NOT l.granted AND a.datname = current_database()
) AS w
WHERE cardinality(w.blockers) > 0
ORDER BY w.seconds DESC, w.pid
LIMIT 50
