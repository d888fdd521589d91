-- $1 id, $2 issuer, $3 subject, $4 digest, $5 asked, $6 people, $7 milliseconds until it expires.
WITH approval AS (
    INSERT INTO pgwarden.approval (id, issuer, subject, digest, asked, people, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, pg_catalog.now() + $7 * interval '1 ms')
    RETURNING *
)
