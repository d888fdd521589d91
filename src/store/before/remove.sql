DELETE FROM pgwarden.before_image WHERE id = $1 AND NOT committed
