-- $1 holder, $2 most running of one owner. A lock on the owner first: its counters are decided by.
WITH o AS MATERIALIZED (
    SELECT owner.key
    FROM pgwarden.owner
    WHERE owner.queued > 0 AND owner.running < $2
    ORDER BY owner.running, owner.claimed
    LIMIT 1
    FOR NO KEY UPDATE
