-- Costs a tenth of a millisecond. `state`: while it is the same, no transaction of the server has committed, so nothing
-- changed in the catalog either. A standby knows the snapshot only in parts, but how far it has replayed. `tells`: the
-- event trigger of `pgwarden notify script` is there and fires.
SELECT
  CASE
    WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()::pg_catalog.text
    ELSE pg_catalog.pg_current_snapshot()::pg_catalog.text
  END AS state,
  NOT pg_catalog.pg_is_in_recovery() AND EXISTS (
    SELECT FROM pg_catalog.pg_event_trigger AS t
    WHERE
      t.evtname OPERATOR(pg_catalog.=) 'pgwarden_ddl'::pg_catalog.name
      AND t.evtenabled OPERATOR(pg_catalog.<>) ALL (ARRAY['D', 'R']::pg_catalog."char"[])
  ) AS tells
