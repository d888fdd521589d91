-- $1 id, $2 issuer, $3 subject, $4 client.
SELECT task.inputs
FROM pgwarden.task JOIN pgwarden.owner ON owner.key = task.owner
WHERE task.id = $1 AND owner.issuer = $2 AND owner.subject = $3 AND owner.client = $4
