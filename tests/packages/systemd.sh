# The unit in packages/systemd: systemd reads it, finds it as closed as docs/HARDENING.md says, and pgwarden serves, asks, writes
# and records under its system calls. Sourced by `run`.

unit=packages/systemd/pgwarden.service

# With the program that is here; a folder of its own, since the name says what it is.
unit_here() {
    mkdir -p "$work/units" && sed "s|/usr/local/bin/pgwarden|$program|" "$unit" >"$work/units/pgwarden.service"
}

# The exposure is told in tenths: 11 is 1.1.
unit_read() {
    local said
    unit_here && said=$(systemd-analyze verify "$work/units/pgwarden.service" 2>&1) || { echo "$said"; return 1; }
    [[ $said != *pgwarden.service* ]] || { echo "$said"; return 1; }
    systemd-analyze security --offline=yes --no-pager --threshold=11 "$work/units/pgwarden.service"
}

# Debian's, for Debian's own Python.
has_seccomp() {
    /usr/bin/python3 -c 'import seccomp' 2>/dev/null ||
        { [ "$(package_manager)" = apt-get ] && install_packages python3-seccomp && /usr/bin/python3 -c 'import seccomp'; }
}

# filtered PROGRAM ARGUMENT..
filtered() {
    /usr/bin/python3 tests/packages/filtered.py "$work/units/pgwarden.service" "$@"
}

# Each is possible without the filter.
what_is_filtered() {
    local held=0 tried
    for tried in 'import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)' 'import mmap; mmap.mmap(-1, 4096, prot=7)' \
        'import os; os.nice(1)'; do
        /usr/bin/python3 -c "$tried" || { echo "it fails anyway: $tried"; held=1; }
        ! filtered /usr/bin/python3 -c "$tried" 2>"$work/held" || { echo "it is possible: $tried"; held=1; }
        grep -q 'PermissionError' "$work/held" || { cat "$work/held"; held=1; }
    done
    filtered /usr/bin/python3 -c 'import socket; socket.socket()' || held=1
    return $held
}

unit_serves() {
    local binaries socket=$work/unit-socket state=$work/state postgres server status=0 port address
    has_seccomp || { echo "there is no python3-seccomp"; return 77; }
    binaries=$(postgres_folder) || { echo "there is no PostgreSQL server"; return 77; }
    chmod 0755 "$work"
    unit_here && what_is_filtered || return 1
    postgres_at "$socket" "$binaries" "$work/unit-postgres" "CREATE TABLE public.notes (id serial, body text)
GRANT SELECT, INSERT ON public.notes TO reader
GRANT USAGE ON SEQUENCE public.notes_id_seq TO reader" || return 1
    port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    address=127.0.0.1:$port
    install -d -m 0700 -o 65534 -g 65534 "$state"
    cp "$program" "$work/pgwarden-filtered" && chmod 0755 "$work/pgwarden-filtered"
    cat >"$state/policy.toml" <<END
version = 1
include = []

[[allow]]
insert = ["public.notes"]

[[allow]]
select = ["public.notes"]

[writes]
approval = "none"
rows = 10
END
    echo unused >"$state/password"
    cat >"$state/pgwarden.toml" <<END
[audit]
file = "audit.jsonl"

[databases.shop]
url = "postgresql:///shop?host=$socket&user=reader"
password_file = "credential:password"
policy = "policy.toml"
END
    chown -R 65534:65534 "$state" && chmod 0600 "$state/password"
    # Not by the function: then the shell's copy would be the process.
    CREDENTIALS_DIRECTORY=$state XDG_RUNTIME_DIR=$state /usr/bin/python3 tests/packages/filtered.py \
        "$work/units/pgwarden.service" "$work/pgwarden-filtered" serve --listen "$address" --config "$state/pgwarden.toml" &
    server=$!
    /usr/bin/python3 tests/packages/service.py "$address" "$state/audit.jsonl" || status=1
    # It is that process, and 2 is a filter.
    grep -Eq '^Seccomp:\s+2$' "/proc/$server/status" && grep -Eq '^NoNewPrivs:\s+1$' "/proc/$server/status" &&
        grep -Eq '^CapEff:\s+0+$' "/proc/$server/status" && [ "$(awk '/^Uid:/ { print $2 }' "/proc/$server/status")" = 65534 ] ||
        { echo "it runs without its filter"; status=1; }
    kill "$server"
    kill -INT "$postgres"
    wait "$server" || { echo "it did not end well"; status=1; }
    wait "$postgres"
    return $status
}
