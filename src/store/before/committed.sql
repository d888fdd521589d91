UPDATE pgwarden.before_image SET committed = TRUE WHERE id = $1
