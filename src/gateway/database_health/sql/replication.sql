WITH here AS (
  SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS lsn
), found AS (
  SELECT
    CASE
      WHEN s.wal_status IN ('unreserved', 'lost') OR r.retained >= 10 * 1024 * 1024 * 1024::int8 THEN 'critical'
      ELSE 'warning'
    END AS severity,
    json_build_object(
      'slot', s.slot_name,
      'type', s.slot_type,
      'active', s.active,
      'wal_status', s.wal_status,
      'retained_bytes', r.retained
    ) AS evidence,
    format('SELECT pg_drop_replication_slot(%L) if nobody comes back for it; set max_slot_wal_keep_size', s.slot_name) AS remedy
  FROM pg_replication_slots AS s
  CROSS JOIN here AS h
  CROSS JOIN LATERAL (SELECT pg_wal_lsn_diff(h.lsn, s.restart_lsn)::int8 AS retained) AS r
  WHERE
    (s.database IS NULL OR s.database = current_database())
    AND NOT s.temporary
    AND (NOT s.active OR s.wal_status IN ('unreserved', 'lost') OR r.retained >= 1024 * 1024 * 1024)
  UNION ALL
  SELECT
    CASE WHEN b.behind >= 1024 * 1024 * 1024 OR b.seconds >= 600 THEN 'critical' ELSE 'warning' END,
    json_build_object('standby_pid', s.pid, 'state', s.state, 'behind_bytes', b.behind, 'behind_seconds', b.seconds),
    'look at the network, the disk and long queries of the standby'
  FROM pg_stat_replication AS s
  CROSS JOIN here AS h
  CROSS JOIN LATERAL (
    SELECT
      pg_wal_lsn_diff(h.lsn, s.replay_lsn)::int8 AS behind,
      floor(date_part('epoch', s.replay_lag))::int8 AS seconds
  ) AS b
  WHERE b.behind >= 64 * 1024 * 1024 OR b.seconds >= 30
  UNION ALL
  SELECT
    CASE WHEN b.seconds >= 600 THEN 'critical' ELSE 'warning' END,
    json_build_object('standby', TRUE, 'behind_seconds', b.seconds),
    'look at the way to the primary, and at queries that hold replay back (max_standby_streaming_delay)'
  FROM (
    SELECT floor(date_part('epoch', now() - pg_last_xact_replay_timestamp()))::int8 AS seconds
    WHERE pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
  ) AS b
  WHERE b.seconds >= 60
)
SELECT json_build_object('severity', f.severity, 'evidence', f.evidence, 'remedy', f.remedy)::text
FROM found AS f
LIMIT 50
