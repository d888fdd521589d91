WITH
  user_casts AS MATERIALIZED (
    SELECT c.castsource, c.casttarget, c.castfunc::oid
    FROM pg_catalog.pg_cast AS c
    WHERE c.castfunc <> 0 AND c.oid >= 16384
      -- PostgreSQL itself makes the cast of a new range type to its multirange.
      AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_range AS r
        WHERE r.rngtypid = c.castsource AND r.rngmultitypid = c.casttarget
      )
  ),
  -- A cast between a type of PostgreSQL's own and a user's is the user's type's: only there can it be reached.
  casts AS MATERIALIZED (
    SELECT c.castsource AS type, c.castfunc AS routine
    FROM user_casts AS c
    WHERE c.castsource >= 16384
    UNION
    SELECT c.casttarget, c.castfunc
    FROM user_casts AS c
    WHERE c.casttarget >= 16384
  )
SELECT
  pg_catalog.json_build_object(
    'oid', t.oid::int8,
    'name', pg_catalog.json_build_object('schema', n.nspname, 'name', t.typname),
    'kind', CASE
      WHEN t.typelem <> 0 AND t.typlen = -1 AND t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc THEN 'array'
      WHEN t.typtype = 'c' THEN 'composite'
      WHEN t.typtype = 'd' THEN 'domain'
      WHEN t.typtype = 'e' THEN 'enum'
      WHEN t.typtype = 'r' THEN 'range'
      WHEN t.typtype = 'm' THEN 'multirange'
      WHEN t.typtype = 'p' THEN 'pseudo'
      ELSE 'base'
    END,
    'display', pg_catalog.format_type(t.oid, NULL),
    'inner', COALESCE(r.rngsubtype, mr.rngsubtype, NULLIF(t.typbasetype, 0), NULLIF(t.typelem, 0))::int8,
    'relation', NULLIF(t.typrelid, 0)::int8,
    'fields', CASE
      WHEN t.typrelid = 0 OR n.nspname = 'pg_catalog' THEN '[]'
      ELSE COALESCE(
        (
          SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.atttypid::int8) ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
        ),
        '[]'
      )
    END,
    'output', pg_catalog.json_build_object('schema', pn.nspname, 'name', p.proname),
    'text_cast_is_function', EXISTS (
      SELECT
      FROM pg_catalog.pg_cast AS c
      WHERE c.castsource = t.oid
        AND c.casttarget = 'pg_catalog.text'::regtype
        -- Without a function the bytes are taken as they are: right where printing does the same.
        AND (c.castmethod = 'f' OR c.castmethod = 'b' AND p.prosrc NOT IN ('textout', 'varcharout'))
    ),
    'hidden_routines', CASE
      WHEN t.oid < 16384 THEN '[]'
      ELSE pg_catalog.to_json(ARRAY(SELECT c.routine::int8 FROM casts AS c WHERE c.type = t.oid))
    END,
    'enum_labels', CASE
      WHEN t.typtype <> 'e' THEN '[]'
      ELSE pg_catalog.to_json(ARRAY(
        SELECT l.enumlabel::text
        FROM pg_catalog.pg_enum AS l
        WHERE l.enumtypid = t.oid
        ORDER BY l.enumsortorder
      ))
    END,
    'comment', CASE
      WHEN t.oid >= 16384 THEN (
        SELECT m.description
        FROM pg_catalog.pg_description AS m
        WHERE m.classoid = 'pg_catalog.pg_type'::regclass AND m.objoid = t.oid AND m.objsubid = 0
      )
    END,
    'extension', e.extname
  )::text
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_proc AS p ON p.oid = t.typoutput
JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_range AS r ON r.rngtypid = t.oid
LEFT JOIN pg_catalog.pg_range AS mr ON mr.rngmultitypid = t.oid
LEFT JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
WHERE n.nspname !~ '^pg_(toast|temp)'
ORDER BY t.oid
