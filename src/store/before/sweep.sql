DELETE FROM pgwarden.before_image WHERE expires_at <= pg_catalog.clock_timestamp()
