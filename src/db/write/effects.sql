WITH RECURSIVE
reached (root, relation, event, columns, via, action, depth) AS (
  SELECT e.event, $1::int8::oid, e.event, NULL::int2[], NULL::oid, NULL::text, 0
  FROM unnest('{insert,update,delete}'::text[]) AS e (event)
  UNION
  SELECT r.root, n.relation, n.event, n.columns, n.via, n.action, r.depth + 1
  FROM reached AS r
  CROSS JOIN LATERAL (
    SELECT i.inhrelid, r.event, NULL::int2[], r.via, r.action
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE
      i.inhparent = r.relation
      -- A temporary child is another session's, which PostgreSQL leaves out.
      AND c.relpersistence <> 't'
    UNION ALL
    SELECT
      k.conrelid,
      CASE WHEN r.event = 'delete' AND k.confdeltype = 'c' THEN 'delete' ELSE 'update' END,
      CASE WHEN r.event = 'delete' AND k.confdeltype = 'c' THEN NULL ELSE k.conkey END,
      k.oid,
      CASE CASE r.event WHEN 'delete' THEN k.confdeltype ELSE k.confupdtype END
        WHEN 'n' THEN 'set null'
        WHEN 'd' THEN 'set default'
        ELSE r.event
      END
    FROM pg_constraint AS k
    WHERE
      k.contype = 'f' AND k.confrelid = r.relation
      AND CASE r.event
        WHEN 'delete' THEN k.confdeltype IN ('c', 'n', 'd')
        WHEN 'update' THEN k.confupdtype IN ('c', 'n', 'd') AND (r.columns IS NULL OR r.columns && k.confkey)
        ELSE FALSE
      END
  ) AS n (relation, event, columns, via, action)
  WHERE r.depth < 16
),
relations AS MATERIALIZED (
  SELECT DISTINCT r.relation FROM reached AS r
),
cascades AS (
  SELECT DISTINCT r.root, r.relation, r.event, r.via, r.action, min(r.depth) AS depth
  FROM reached AS r
  WHERE r.via IS NOT NULL
  GROUP BY r.root, r.relation, r.event, r.via, r.action
),
triggers AS (
  SELECT t.*, p.proname, n.nspname
  FROM pg_trigger AS t
  JOIN pg_proc AS p ON p.oid = t.tgfoid
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
  WHERE
    t.tgrelid IN (SELECT s.relation FROM relations AS s)
    AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
    -- A copy for a partition stands for its table's trigger.
    AND NOT EXISTS (
      SELECT FROM pg_trigger AS u
      WHERE u.oid = t.tgparentid AND u.tgrelid IN (SELECT s.relation FROM relations AS s)
    )
)
SELECT
  json_build_object(
    'cascades', COALESCE(
      (
        SELECT
          json_agg(
            json_build_object(
              'root', c.root, 'relation', c.relation::int8, 'event', c.event, 'action', c.action,
              'references', k.confrelid::int8,
              'columns', (
                SELECT json_agg(a.attname ORDER BY a.attnum)
                FROM pg_attribute AS a
                WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
              )
            )
            ORDER BY c.depth, c.relation
          )
        FROM cascades AS c
        JOIN pg_constraint AS k ON k.oid = c.via
      ),
      '[]'
    ),
    'triggers', COALESCE(
      (
        SELECT
          json_agg(
            json_build_object(
              'relation', t.tgrelid::int8, 'name', t.tgname,
              'timing', CASE WHEN t.tgtype::int4 & 2 > 0 THEN 'before' WHEN t.tgtype::int4 & 64 > 0 THEN 'instead of' ELSE 'after' END,
              'events', array_remove(
                ARRAY[
                  CASE WHEN t.tgtype::int4 & 4 > 0 THEN 'insert' END,
                  CASE WHEN t.tgtype::int4 & 16 > 0 THEN 'update' END,
                  CASE WHEN t.tgtype::int4 & 8 > 0 THEN 'delete' END
                ],
                NULL
              ),
              'columns', COALESCE(
                (
                  SELECT json_agg(a.attname ORDER BY a.attnum)
                  FROM pg_attribute AS a
                  WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::int2[])
                ),
                '[]'
              ),
              'each_row', t.tgtype::int4 & 1 > 0,
              'conditional', t.tgqual IS NOT NULL,
              'function', json_build_object('schema', t.nspname, 'name', t.proname)
            )
            ORDER BY t.tgrelid, t.tgname
          )
        FROM triggers AS t
      ),
      '[]'
    ),
    'reached', (
      SELECT json_agg(DISTINCT jsonb_build_object('root', r.root, 'relation', r.relation::int8, 'event', r.event, 'cascaded', r.via IS NOT NULL))
      FROM reached AS r
    ),
    'rules', COALESCE(
      (
        SELECT
          json_agg(
            json_build_object(
              'name', w.rulename, 'instead', w.is_instead,
              'event', CASE w.ev_type WHEN '2' THEN 'update' WHEN '3' THEN 'insert' ELSE 'delete' END
            )
            ORDER BY w.rulename
          )
        FROM pg_rewrite AS w
        WHERE w.ev_class = $1::int8::oid AND w.ev_type IN ('2', '3', '4') AND w.ev_enabled IN ('O', 'A')
      ),
      '[]'
    ),
    'linked', COALESCE(
      (
        SELECT json_agg(DISTINCT x.relation::int8)
        FROM pg_constraint AS k
        CROSS JOIN LATERAL (VALUES (k.conrelid), (k.confrelid)) AS x (relation)
        WHERE
          k.contype = 'f'
          AND (
            k.conrelid IN (SELECT s.relation FROM relations AS s)
            OR k.confrelid IN (SELECT s.relation FROM relations AS s)
          )
      ),
      '[]'
    ),
    'functions', EXISTS (
      SELECT
      FROM pg_depend AS d
      WHERE
        d.refclassid = 'pg_proc'::regclass
        AND (
          d.classid = 'pg_attrdef'::regclass
          AND d.objid IN (SELECT f.oid FROM pg_attrdef AS f WHERE f.adrelid IN (SELECT s.relation FROM relations AS s))
          OR d.classid = 'pg_constraint'::regclass
          AND d.objid IN (SELECT k.oid FROM pg_constraint AS k WHERE k.conrelid IN (SELECT s.relation FROM relations AS s))
          OR d.classid = 'pg_class'::regclass
          AND d.objid IN (SELECT i.indexrelid FROM pg_index AS i WHERE i.indrelid IN (SELECT s.relation FROM relations AS s))
        )
    )
  )::text
