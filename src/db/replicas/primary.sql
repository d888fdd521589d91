-- `end`: what anybody has committed by now lies before it. `timeline`: eight hexadecimal digits.
SELECT
  CASE
    WHEN NOT p.in_recovery
      THEN pg_catalog.pg_wal_lsn_diff(p.written, '0/0'::pg_catalog.pg_lsn)::pg_catalog.int8
  END AS end,
  CASE WHEN NOT p.in_recovery THEN pg_catalog.left(pg_catalog.pg_walfile_name(p.written), 8) END AS timeline,
  s.system_identifier,
  i.wal_block_size::pg_catalog.int8,
  i.bytes_per_wal_segment::pg_catalog.int8
FROM (
  SELECT
    pg_catalog.pg_is_in_recovery() AS in_recovery,
    CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_wal_insert_lsn() END AS written
) AS p
CROSS JOIN pg_catalog.pg_control_system() AS s
CROSS JOIN pg_catalog.pg_control_init() AS i
