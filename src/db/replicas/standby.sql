-- The control file tells of a new timeline a while after it began, never before.
SELECT
  pg_catalog.pg_is_in_recovery(),
  pg_catalog.pg_wal_lsn_diff(
    pg_catalog.pg_last_wal_replay_lsn(), '0/0'::pg_catalog.pg_lsn
  )::pg_catalog.int8,
  (pg_catalog.pg_control_system()).system_identifier,
  GREATEST(
    (pg_catalog.pg_control_checkpoint()).timeline_id,
    (pg_catalog.pg_control_recovery()).min_recovery_end_timeline
  )
