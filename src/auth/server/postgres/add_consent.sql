INSERT INTO pgwarden.consent (hash, owner, ends_us)
VALUES ($1, $2, $3)
ON CONFLICT (hash) DO UPDATE SET ends_us = EXCLUDED.ends_us
