SELECT
  r.relation,
  pg_catalog.pg_stat_get_xact_tuples_inserted(r.relation),
  pg_catalog.pg_stat_get_xact_tuples_updated(r.relation),
  pg_catalog.pg_stat_get_xact_tuples_deleted(r.relation)
FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r (relation)
