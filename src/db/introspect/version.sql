-- A number for everything that a snapshot is made of: it changes when a row comes, goes or is rewritten. VACUUM and
-- ANALYZE update in place and leave it as it is.
SELECT
  pg_catalog.sum(pg_catalog.hashtextextended(v.part, 0)::numeric)::text
FROM (
  SELECT 'class ' || c.oid || ' ' || c.xmin AS part
  FROM pg_catalog.pg_class AS c WHERE c.oid >= 16384 AND c.relkind NOT IN ('t')
  UNION ALL
  SELECT 'attribute ' || a.attrelid || ' ' || a.attnum || ' ' || a.xmin
  FROM pg_catalog.pg_attribute AS a WHERE a.attrelid >= 16384
  UNION ALL
  SELECT 'default ' || d.oid || ' ' || d.xmin FROM pg_catalog.pg_attrdef AS d
  UNION ALL
  SELECT 'namespace ' || n.oid || ' ' || n.xmin FROM pg_catalog.pg_namespace AS n WHERE n.nspname !~ '^pg_(toast_)?temp_'
  UNION ALL
  SELECT 'proc ' || p.oid || ' ' || p.xmin FROM pg_catalog.pg_proc AS p WHERE p.oid >= 16384
  UNION ALL
  SELECT 'type ' || t.oid || ' ' || t.xmin FROM pg_catalog.pg_type AS t WHERE t.oid >= 16384
  UNION ALL
  SELECT 'enum ' || l.oid || ' ' || l.xmin FROM pg_catalog.pg_enum AS l
  UNION ALL
  SELECT 'operator ' || o.oid || ' ' || o.xmin FROM pg_catalog.pg_operator AS o WHERE o.oid >= 16384
  UNION ALL
  SELECT 'cast ' || c.oid || ' ' || c.xmin FROM pg_catalog.pg_cast AS c WHERE c.oid >= 16384
  UNION ALL
  SELECT 'rewrite ' || r.oid || ' ' || r.xmin FROM pg_catalog.pg_rewrite AS r WHERE r.oid >= 16384
  UNION ALL
  SELECT 'policy ' || p.oid || ' ' || p.xmin FROM pg_catalog.pg_policy AS p
  UNION ALL
  SELECT 'inherits ' || i.inhrelid || ' ' || i.inhparent || ' ' || i.xmin FROM pg_catalog.pg_inherits AS i
  UNION ALL
  SELECT 'index ' || i.indexrelid || ' ' || i.xmin FROM pg_catalog.pg_index AS i WHERE i.indexrelid >= 16384
  UNION ALL
  SELECT 'constraint ' || k.oid || ' ' || k.xmin FROM pg_catalog.pg_constraint AS k WHERE k.oid >= 16384
  UNION ALL
  SELECT 'description ' || d.objoid || ' ' || d.classoid || ' ' || d.objsubid || ' ' || d.xmin
  FROM pg_catalog.pg_description AS d WHERE d.objoid >= 16384
  UNION ALL
  SELECT 'extension ' || e.oid || ' ' || e.xmin FROM pg_catalog.pg_extension AS e
  UNION ALL
  SELECT 'member ' || m.roleid || ' ' || m.member || ' ' || m.xmin
  FROM pg_catalog.pg_auth_members AS m WHERE pg_catalog.pg_has_role(m.member, 'MEMBER')
  UNION ALL
  SELECT 'setting ' || s.setdatabase || ' ' || s.setrole || ' ' || s.xmin
  FROM pg_catalog.pg_db_role_setting AS s
  WHERE
    s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
    AND s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER))
  UNION ALL
  SELECT 'role ' || r.oid || ' ' || r.rolname || ' ' || r.rolsuper || r.rolinherit || r.rolbypassrls
  FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER
) AS v
