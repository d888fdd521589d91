SELECT
  json_build_object(
    'severity', CASE WHEN r.percent < 80 THEN 'warning' ELSE 'notice' END,
    'evidence', json_build_object(
      'hit_percent', r.percent,
      'blocks_hit', d.blks_hit,
      'blocks_read', d.blks_read,
      'shared_buffers', current_setting('shared_buffers')
    ),
    'remedy', 'raise shared_buffers, or see by `top_queries` what reads so much'
  )::text
FROM pg_stat_database AS d
CROSS JOIN LATERAL (
  SELECT round(d.blks_hit * 100.0 / NULLIF(d.blks_hit + d.blks_read, 0), 1) AS percent
) AS r
WHERE d.datname = current_database() AND d.blks_hit + d.blks_read >= 50000 AND r.percent < 95
