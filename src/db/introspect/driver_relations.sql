WITH
  looked_up AS (
    SELECT c.oid, c.reltoastrelid
    FROM pg_catalog.pg_class AS c
    WHERE c.oid IN (
      'pg_catalog.pg_type'::regclass,
      'pg_catalog.pg_range'::regclass,
      'pg_catalog.pg_enum'::regclass,
      'pg_catalog.pg_namespace'::regclass,
      'pg_catalog.pg_attribute'::regclass,
      'pg_catalog.pg_class'::regclass
    )
  ),
  with_toast AS (
    SELECT l.oid FROM looked_up AS l
    UNION
    SELECT l.reltoastrelid FROM looked_up AS l WHERE l.reltoastrelid <> 0
  )
SELECT
  pg_catalog.to_json(ARRAY(
    SELECT w.oid::int8 FROM with_toast AS w
    UNION
    SELECT i.indexrelid::int8 FROM pg_catalog.pg_index AS i JOIN with_toast AS w ON w.oid = i.indrelid
  ))::text
