#!/bin/sh
# Makes the passwords of docker-compose.yml, each readable by one user only. Leaves those that are there alone.
set -eu
umask 077

postgres=${1:-/secrets/postgres}
pgwarden=${2:-/secrets/pgwarden}
postgres_user=${3:-postgres}
pgwarden_user=${4:-65532}

# 48 hexadecimal digits; nothing that a password file would have to escape.
password() {
  head -c 32 /dev/urandom | sha256sum | cut -c 1-48
}

for name in superuser login tasks; do
  [ -s "$postgres/$name" ] || password >"$postgres/$name"
done
{
  printf 'postgres:5432:shop:pgwarden:%s\n' "$(cat "$postgres/login")"
  printf 'postgres:5432:tasks:pgwarden_tasks:%s\n' "$(cat "$postgres/tasks")"
} >"$pgwarden/pgpass"
# What the store's contents are sealed with.
[ -s "$pgwarden/task-key" ] || head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$pgwarden/task-key"

chmod 0700 "$postgres" "$pgwarden"
chown -R "$postgres_user" "$postgres"
chown -R "$pgwarden_user" "$pgwarden"
