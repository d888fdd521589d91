-- A number for everything that a snapshot is made of: it changes when a row comes, goes or is rewritten. VACUUM and
-- ANALYZE update in place and leave it as it is. The first field tells the catalogs apart; no row is there twice, so that
-- none cancels another out.
SELECT
  pg_catalog.bit_xor(v.part)::text
FROM (
  SELECT pg_catalog.hash_record_extended(ROW(1, c.oid, c.xmin), 0) AS part
  FROM pg_catalog.pg_class AS c WHERE c.oid >= 16384 AND c.relkind NOT IN ('t')
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(2, a.attrelid, a.attnum, a.xmin), 0)
  FROM pg_catalog.pg_attribute AS a WHERE a.attrelid >= 16384 AND a.attnum > 0
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(3, d.oid, d.xmin), 0) FROM pg_catalog.pg_attrdef AS d
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(4, n.oid, n.xmin), 0)
  FROM pg_catalog.pg_namespace AS n WHERE n.nspname !~ '^pg_(toast_)?temp_'
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(5, p.oid, p.xmin), 0) FROM pg_catalog.pg_proc AS p WHERE p.oid >= 16384
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(6, t.oid, t.xmin), 0) FROM pg_catalog.pg_type AS t WHERE t.oid >= 16384
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(7, l.oid, l.xmin), 0) FROM pg_catalog.pg_enum AS l
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(8, o.oid, o.xmin), 0)
  FROM pg_catalog.pg_operator AS o WHERE o.oid >= 16384
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(9, c.oid, c.xmin), 0) FROM pg_catalog.pg_cast AS c WHERE c.oid >= 16384
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(10, r.oid, r.xmin), 0)
  FROM pg_catalog.pg_rewrite AS r WHERE r.oid >= 16384
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(11, p.oid, p.xmin), 0) FROM pg_catalog.pg_policy AS p
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(12, i.inhrelid, i.inhparent, i.xmin), 0)
  FROM pg_catalog.pg_inherits AS i
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(13, i.indexrelid, i.xmin), 0)
  FROM pg_catalog.pg_index AS i WHERE i.indexrelid >= 16384
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(14, k.oid, k.xmin), 0)
  FROM pg_catalog.pg_constraint AS k WHERE k.oid >= 16384
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(15, d.objoid, d.classoid, d.objsubid, d.xmin), 0)
  FROM pg_catalog.pg_description AS d WHERE d.objoid >= 16384
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(16, e.oid, e.xmin), 0) FROM pg_catalog.pg_extension AS e
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(17, m.roleid, m.member, m.grantor, m.xmin), 0)
  FROM pg_catalog.pg_auth_members AS m WHERE pg_catalog.pg_has_role(m.member, 'MEMBER')
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(18, s.setdatabase, s.setrole, s.xmin), 0)
  FROM pg_catalog.pg_db_role_setting AS s
  WHERE
    s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
    AND s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER))
  UNION ALL
  SELECT pg_catalog.hash_record_extended(ROW(19, d.objoid, d.xmin), 0)
  FROM pg_catalog.pg_shdescription AS d
  WHERE
    d.classoid = 1262
    AND d.objoid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
  UNION ALL
  SELECT
    pg_catalog.hash_record_extended(ROW(20, r.oid, r.rolname, r.rolsuper, r.rolinherit, r.rolbypassrls), 0)
  FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER
) AS v
