WITH t AS MATERIALIZED (
    SELECT task.id
    FROM pgwarden.task JOIN pgwarden.owner ON owner.key = task.owner
    WHERE owner.issuer = $1 AND owner.subject = $2 AND owner.client = $3
    ORDER BY task.id
    FOR UPDATE OF task
), d AS (
    DELETE FROM pgwarden.task USING t WHERE task.id = t.id
    RETURNING task.id, task.owner, task.state, task.bytes + task.asked_bytes AS bytes
), gone AS (
    SELECT d.owner,
        pg_catalog.count(*) FILTER (WHERE d.state = 'queued') AS queued,
        pg_catalog.count(*) FILTER (WHERE d.state = 'running') AS running,
        pg_catalog.sum(d.bytes)::int8 AS bytes
    FROM d
    GROUP BY d.owner
), u AS (
    UPDATE pgwarden.owner
    SET queued = owner.queued - gone.queued, running = owner.running - gone.running,
        bytes = owner.bytes - gone.bytes
    FROM gone
    WHERE owner.key = gone.owner
    RETURNING gone.queued + gone.running AS open, gone.bytes
), g AS (
    UPDATE pgwarden.total SET open = total.open - u.open, bytes = total.bytes - u.bytes FROM u
)
SELECT pg_catalog.pg_notify('pgwarden_tasks', '!' || pg_catalog.encode(d.id, 'hex'))::text FROM d
