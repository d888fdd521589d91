SELECT rows FROM pgwarden.before_image WHERE id = $1 AND expires_at > pg_catalog.clock_timestamp()
