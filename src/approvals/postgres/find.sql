-- $1 id.
WITH approval AS (
    SELECT * FROM pgwarden.approval WHERE approval.id = $1
)
