indexes AS (
  SELECT
    i.indexrelid,
    i.indrelid,
    i.indisunique AS is_unique,
    i.indisvalid AS is_valid,
    c.relkind = 'I' AS is_partitioned,
    c.relam = (SELECT a.oid FROM pg_am AS a WHERE a.amname = 'btree') AS is_btree,
    -- A constraint, a partitioned index or a replica identity stands on it.
    i.indisreplident
      OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
      OR EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid) AS is_needed,
    format('%I.%I', n.nspname, c.relname) AS name,
    format('%I.%I', n.nspname, t.relname) AS table_name,
    -- The sizes of the last VACUUM or ANALYZE: asking for those of now would wait for locks.
    c.relpages::int8 * current_setting('block_size')::int8 AS bytes,
    c.relpages AS pages,
    c.reltuples AS tuples,
    i.indkey,
    -- All but the name. What PostgreSQL would print waits for locks of the table.
    concat_ws(
      '|',
      c.relam, i.indnkeyatts, i.indkey, i.indclass, i.indcollation, i.indoption,
      to_jsonb(i) ->> 'indnullsnotdistinct',
      regexp_replace(concat_ws('|', i.indexprs, i.indpred), ':location -?[0-9]+', '', 'g')
    ) AS shape,
    json_build_array(json_build_object(
      'relation', i.indrelid::int8,
      -- Those of expressions and conditions too; all where one is about the whole row.
      'columns', ARRAY(
        SELECT a.attname::text
        FROM pg_attribute AS a
        WHERE
          a.attrelid = i.indrelid
          AND a.attnum > 0
          AND NOT a.attisdropped
          AND (
            a.attnum = ANY (i.indkey::int2[])
            OR EXISTS (
              SELECT
              FROM pg_depend AS d
              WHERE
                d.classid = 'pg_class'::regclass
                AND d.objid = i.indexrelid
                AND d.refclassid = 'pg_class'::regclass
                AND d.refobjid = i.indrelid
                AND d.refobjsubid IN (0, a.attnum)
            )
          )
      )
    )) AS parts
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_class AS t ON t.oid = i.indrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE t.relkind IN ('r', 'm', 'p') AND t.relpersistence <> 't' AND t.oid = ANY (($1::text)::oid[])
)
