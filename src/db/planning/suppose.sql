SELECT c.indexname::pg_catalog.text, hypopg_relation_size(c.indexrelid)
FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS i (definition, position)
CROSS JOIN LATERAL hypopg_create_index(i.definition) AS c
ORDER BY i.position
