tables AS (
  SELECT
    c.oid,
    format('%I.%I', n.nspname, c.relname) AS name,
    json_build_array(json_build_object('relation', c.oid::int8, 'columns', '[]'::json)) AS parts,
    c.reloptions,
    GREATEST(c.reltuples, 0)::int8 AS tuples,
    c.relpages AS pages,
    pg_stat_get_live_tuples(c.oid) AS live,
    pg_stat_get_dead_tuples(c.oid) AS dead,
    pg_stat_get_mod_since_analyze(c.oid) AS modified,
    GREATEST(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) AS vacuumed,
    GREATEST(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) AS analyzed
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND c.oid = ANY (($1::text)::oid[])
)
