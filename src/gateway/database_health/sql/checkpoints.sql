WITH counted AS (
  SELECT
    pg_stat_get_bgwriter_timed_checkpoints() AS timed,
    pg_stat_get_bgwriter_requested_checkpoints() AS requested
)
