# PgBouncer of two Debian releases, unpacked side by side and used by nothing else: nothing is installed on the machine.

# Releases of Debian: 1.18 keeps no named statements, 1.24 does.
pgbouncer_suites="bookworm trixie"

debian_keys=/usr/share/keyrings/debian-archive-keyring.gpg

# Where this machine's own packages come from.
debian_mirror() {
    apt-get indextargets --format '$(SITE)' 2>/dev/null | grep '/debian/*$' | head -n 1
}

# What a release's pgbouncer is linked with.
pgbouncer_packages() {
    local common="pgbouncer libc6 libaudit1 libcap-ng0 libcap2 libgcrypt20 libgpg-error0 liblz4-1 liblzma5 libpam0g libsystemd0 libzstd1 zlib1g"
    case $1 in
        bookworm) echo "$common libc-ares2 libevent-2.1-7 libssl3" ;;
        trixie) echo "$common libcares2 libevent-2.1-7t64 libssl3t64" ;;
        *) return 1 ;;
    esac
}

# apt_of FOLDER COMMAND..: apt with lists of its own, whose signatures are checked as ever.
apt_of() {
    local folder=$1
    shift
    APT_CONFIG=$folder/apt.conf "$@" </dev/null
}

# install_pgbouncer SUITE PARENT: unpacks into PARENT/SUITE and prints the program.
install_pgbouncer() {
    local suite=$1 folder=$2/$1 making mirror
    if ! "$folder/pgbouncer" --version >/dev/null 2>&1; then
        have apt-get && have dpkg || return 1
        [ -r "$debian_keys" ] || return 1
        mirror=$(debian_mirror)
        [ -n "$mirror" ] || return 1
        note "unpacking PgBouncer of Debian's $suite" >&2
        mkdir -p "$2" || return 1
        making=$(mktemp -d "$2/making.XXXXXX") || return 1
        (
            cd "$making" && mkdir -p lists/partial archives/partial root && : >status &&
                echo "deb [signed-by=$debian_keys] $mirror $suite main" >sources.list &&
                cat >apt.conf <<END &&
Dir::Etc::sourcelist "$making/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "$making";
Dir::State::lists "$making/lists";
Dir::State::status "$making/status";
Dir::Cache "$making";
APT::Sandbox::User "$(id -un)";
END
                apt_of "$making" apt-get update -q &&
                # Some are not of every machine's making; what is missing shows when it runs.
                apt_of "$making" apt-get download -q $(pgbouncer_packages "$suite") &&
                for package in ./*.deb; do dpkg -x "$package" root || exit 1; done
        ) >/dev/null 2>"$making/errors" || { tail -n 2 "$making/errors" >&2; rm -rf "$making"; return 1; }
        rm -rf "$folder"
        mkdir -p "$folder" && mv "$making/root" "$folder/root" && rm -rf "$making"
        # Its own loader and libraries: those of the machine may be older.
        cat >"$folder/pgbouncer" <<END
#!/bin/sh
root=$folder/root
libraries=\$(dirname "\$(ls -d "\$root"/usr/lib/*/libevent-2.1.so.7 | head -n 1)")
loader=\$(ls "\$root"/lib64/ld-linux*.so.* "\$root"/usr/lib*/ld-linux*.so.* "\$root"/lib/*/ld-linux*.so.* "\$libraries"/ld-linux*.so.* 2>/dev/null | head -n 1)
exec "\$loader" --library-path "\$libraries:\$root/lib/\$(basename "\$libraries")" "\$root/usr/sbin/pgbouncer" "\$@"
END
        # PgBouncer refuses to run as root, and so does who tests it.
        chmod -R a+rX "$folder" && chmod a+x "$folder/pgbouncer"
    fi
    "$folder/pgbouncer" --version >/dev/null || return 1
    echo "$folder/pgbouncer"
}

# One for the tests of poolers: TEST_PGBOUNCER names it.
ensure_pgbouncer() {
    local suite
    [ -z "${TEST_PGBOUNCER:-}" ] || return 0
    for suite in trixie bookworm; do
        if TEST_PGBOUNCER=$(install_pgbouncer "$suite" "$(cache_folder)/pgbouncer"); then
            export TEST_PGBOUNCER
            return 0
        fi
    done
    unset TEST_PGBOUNCER
    return 1
}
