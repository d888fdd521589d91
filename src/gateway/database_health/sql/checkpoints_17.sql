WITH counted AS (
  SELECT
    pg_stat_get_checkpointer_num_timed() AS timed,
    pg_stat_get_checkpointer_num_requested() AS requested
)
