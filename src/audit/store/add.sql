INSERT INTO pgwarden.audit_record (seq, line)
SELECT $1 - 1 + number, line
FROM pg_catalog.jsonb_array_elements_text(CAST($2 AS pg_catalog.jsonb)) WITH ORDINALITY AS lines (line, number)
