SELECT
  json_build_object(
    'severity', 'notice',
    'evidence', json_build_object(
      'timed', c.timed,
      'requested', c.requested,
      'max_wal_size', current_setting('max_wal_size'),
      'checkpoint_timeout', current_setting('checkpoint_timeout')
    ),
    'remedy', 'raise max_wal_size: ALTER SYSTEM SET max_wal_size = ..; SELECT pg_reload_conf()'
  )::text
FROM counted AS c
WHERE c.requested >= 10 AND c.requested > c.timed
