# A throwaway PostgreSQL for scripts, beside what runs here: a folder of its own, a free port of 127.0.0.1, no passwords.

# start_cluster FOLDER SETTING..: sets CLUSTER_PORT; the server ends with this script.
start_cluster() {
    local folder=$1 binaries setting
    shift
    binaries=${PGWARDEN_PG_BIN:-$(postgres_folder)}
    cluster_owner=""
    if [ "$(id -u)" = 0 ]; then
        # PostgreSQL refuses root.
        cluster_owner=$(id -un postgres 2>/dev/null || echo nobody)
    fi
    cluster_folder=$folder
    cluster_data=$folder/data
    rm -rf "$folder"
    mkdir -p "$folder"
    [ -z "$cluster_owner" ] || chown "$cluster_owner" "$folder"
    as_owner "$binaries/initdb" --no-sync --auth=trust --encoding=UTF8 --locale=C --username=postgres \
        --pgdata="$cluster_data" >"$folder.log" 2>&1 ||
        { tail -n 5 "$folder.log" >&2; stop "initdb failed" "what it said is above"; }
    {
        echo "listen_addresses = '127.0.0.1'"
        echo "unix_socket_directories = ''"
        for setting in "$@"; do
            echo "$setting"
        done
    } >>"$cluster_data/postgresql.conf"
    cluster_binaries=$binaries
    trap stop_cluster EXIT
    local try
    for try in 1 2 3 4 5; do
        # Below those that the kernel gives to whoever connects; somebody may have it all the same.
        CLUSTER_PORT=$((20000 + RANDOM % 12000))
        as_owner "$binaries/pg_ctl" -D "$cluster_data" -l "$folder/server.log" -o "-p $CLUSTER_PORT" -w start >/dev/null &&
            return
    done
    tail -n 5 "$folder/server.log" >&2
    stop "PostgreSQL does not start" "its log is above"
}

stop_cluster() {
    as_owner "$cluster_binaries/pg_ctl" -D "$cluster_data" -m immediate -w stop >/dev/null 2>&1
    rm -rf "$cluster_folder" "$cluster_folder.log"
}

as_owner() {
    if [ -n "$cluster_owner" ]; then
        (cd / && setpriv --reuid="$cluster_owner" --regid="$(id -g "$cluster_owner")" --clear-groups "$@")
    else
        "$@"
    fi
}
