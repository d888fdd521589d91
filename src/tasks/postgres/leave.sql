DELETE FROM pgwarden.holder WHERE holder.id = $1
