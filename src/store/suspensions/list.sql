SELECT target, reason, suspended_by, (extract(epoch FROM suspended_at) * 1000)::int8,
    (extract(epoch FROM until) * 1000)::int8
FROM pgwarden.suspension
WHERE until IS NULL OR until > pg_catalog.clock_timestamp()
ORDER BY suspended_at, target
