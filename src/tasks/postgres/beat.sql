INSERT INTO pgwarden.holder (id, beat_at) VALUES ($1, pg_catalog.now())
ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at
