-- Tasks by state.
SELECT task.state, pg_catalog.count(*)
FROM pgwarden.task
GROUP BY task.state
