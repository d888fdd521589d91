SELECT task.message FROM pgwarden.task WHERE task.id = $1 AND task.holder = $2 AND task.state = 'running'
