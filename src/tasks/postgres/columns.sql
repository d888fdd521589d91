
-- What a task is made of, from `found`; `told` is notified with its id.
SELECT
    found.id,
    owner.issuer,
    owner.subject,
    owner.client,
    found.listed,
    found.state,
    found.question,
    found.message,
    found.answer,
    found.header,
    found.pages_end,
    found.chunks,
    found.ttl_ms,
    (EXTRACT(EPOCH FROM found.created_at) * 1000000)::int8,
    (EXTRACT(EPOCH FROM found.updated_at) * 1000000)::int8,
    found.attempts,
    CASE
        WHEN found.told IS NOT NULL
        THEN pg_catalog.pg_notify('pgwarden_tasks', found.told || pg_catalog.encode(found.id, 'hex'))::text
    END,
    found.inputs
FROM found JOIN pgwarden.owner ON owner.key = found.owner
ORDER BY found.number DESC
