# What the Dockerfile's last stage has, run without Docker by root on Linux: the program, the libraries that it names,
# certificates and user 65532 in a folder that is mounted read only, in namespaces of its own. ENTRYPOINT, CMD and HEALTHCHECK
# are the Dockerfile's own words; PostgreSQL is on a socket that is mounted like a volume. Sourced by `run`.

# words_of START: of the array of the Dockerfile's line that starts so.
words_of() {
    sed -n "s/^$1 \(\[.*\]\)\$/\1/p" Dockerfile | tr -d '[],"' | grep .
}

image_files() {
    local image=$1 library
    install -D -m 0755 "$program" "$image/usr/local/bin/pgwarden" &&
        install -D -m 0644 /etc/ssl/certs/ca-certificates.crt "$image/etc/ssl/certs/ca-certificates.crt" || return 1
    for library in $(ldd "$program" | grep -o '/[^ ]*'); do
        install -D -m 0755 "$library" "$image$library" || return 1
    done
    printf 'pgw:x:65532:65532::/:/none\n' >"$image/etc/passwd"
    # The configuration of the manifests, but for where PostgreSQL is.
    mkdir -p "$image/etc/pgwarden" "$image/run/postgresql" "$image/run/secrets/pgwarden"
    # As a pod with `fsGroup` mounts it; this PostgreSQL asks nobody for it.
    mkdir -p "$image/run/secrets/pgwarden-database" && echo unused >"$image/run/secrets/pgwarden-database/password" &&
        chown root:65532 "$image/run/secrets/pgwarden-database/password" &&
        chmod 0440 "$image/run/secrets/pgwarden-database/password" || return 1
    sed 's|^url = .*|url = "postgresql:///shop?host=/run/postgresql\&user=reader"|' packages/kubernetes/pgwarden.toml \
        >"$image/etc/pgwarden/pgwarden.toml"
    "$program" token create --tokens-file "$image/run/secrets/pgwarden/tokens" --name alice >"$work/token" &&
        chown 65532 "$image/run/secrets/pgwarden/tokens"
}

# postgres_at SOCKET_FOLDER FOLDER_OF_BINARIES DATA [STATEMENTS]: a throwaway one, by a user who is not root, with a database `shop`
# in which these were run, one a line. Its process is `postgres`.
postgres_at() {
    local data=$3 nobody_s="chroot --userspec=65534:65534 /"
    mkdir -p "$data" "$1" && chown 65534:65534 "$data" "$1" &&
        $nobody_s "$2/initdb" --pgdata "$data" --username postgres --auth trust --no-sync --no-locale || return 1
    printf 'CREATE ROLE reader LOGIN\nCREATE DATABASE shop\n' |
        $nobody_s "$2/postgres" --single -D "$data" postgres || return 1
    printf '%s\n' "${4:-SELECT 1}" | $nobody_s "$2/postgres" --single -D "$data" shop || return 1
    $nobody_s "$2/postgres" -D "$data" -c listen_addresses= -c unix_socket_directories="$1" -c fsync=off &
    postgres=$!
}

image() {
    local image=$work/image socket=$work/socket binaries server postgres inside status=1
    binaries=$(postgres_folder) || { echo "there is no PostgreSQL server"; return 77; }
    # The folder that mktemp made is closed to others.
    chmod 0755 "$work"
    image_files "$image" && postgres_at "$socket" "$binaries" "$work/postgres" || return 1
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --net bash -c 'ip link set lo up && mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" &&
        mount --bind "$1" "$0/run/postgresql" && exec chroot --userspec=65532:65532 "$0" $2' \
        "$image" "$socket" "$(words_of ENTRYPOINT) $(words_of CMD)" &
    server=$!
    inside="nsenter --target $server --mount --net --root --wd --setuid 65532 --setgid 65532"
    for _ in $(seq 50); do
        sleep 0.2
        kill -0 "$server" || break
        # shellcheck disable=SC2046 # words
        $inside $(words_of '  *CMD') && { status=0; break; }
    done
    [ "$(awk '/^Uid:/ { print $2 }' "/proc/$server/status")" = 65532 ] || { echo "it is another user"; status=1; }
    # Not even root writes there.
    [[ $(touch "/proc/$server/root/written" 2>&1) == *"Read-only file system"* ]] || { echo "it is writable"; status=1; }
    kill "$server"
    kill -INT "$postgres"
    wait "$server" "$postgres"
    return $status
}
