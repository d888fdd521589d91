SELECT c.hash FROM pgwarden.consent AS c WHERE c.hash = $1 AND c.ends_us > $2
