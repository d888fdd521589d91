#!/bin/bash
# Loads the sample database and makes the login. Run (or read, where not executable) by the image on its first start.

(
  set -eu
  fixtures=${FIXTURES:-/migrations-fixtures}
  secrets=${SECRETS:-/run/secrets/postgres}
  run=(psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname="$POSTGRES_DB" --output=/dev/null)

  for file in "$fixtures"/shop/*.sql "$fixtures"/optional/*.sql; do
    PGOPTIONS='-c client_min_messages=warning' "${run[@]}" --file="$file"
  done

  # psql reads the password itself: on a command line every process of the machine could.
  "${run[@]}" <<SQL
\\set login pgwarden
\\set password \`cat '$secrets/login'\`
\\include $fixtures/login.sql
SQL

  # For the replicas' tasks: a database and a login of their own, which sees nothing of the shop.
  "${run[@]}" <<SQL
\\set password \`cat '$secrets/tasks'\`
CREATE ROLE pgwarden_tasks LOGIN PASSWORD :'password';
CREATE DATABASE tasks OWNER pgwarden_tasks;
REVOKE ALL ON DATABASE tasks FROM PUBLIC;
SQL
)
