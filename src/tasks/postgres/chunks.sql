SELECT task.chunks FROM pgwarden.task WHERE task.id = $1 AND task.holder = $2
