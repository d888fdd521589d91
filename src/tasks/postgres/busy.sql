SELECT owner.issuer, owner.subject, owner.client FROM pgwarden.owner WHERE owner.queued + owner.running > 0
