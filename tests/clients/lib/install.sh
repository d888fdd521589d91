# Puts the clients of tests/clients/rows into target/clients. Each function gives the reason in `why` where it cannot.

# What the checks themselves need: a look at the database past the client, and a node that the command lines run on.
npm_beside="pg@8.23.1"
npm_node="node@22.23.3"
py_beside="pg8000==1.31.6"

# installed FOLDER PACKAGES: was exactly this put there?
installed() {
    [ "$(cat "$1/.installed" 2>/dev/null)" = "$2" ]
}

# install_npm NAME PACKAGES
install_npm() {
    local folder=$cache/$1 packages="$2 $npm_beside"
    { have node && have npm; } || { why="there is no node and npm"; return 1; }
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || { why="node is older than 20"; return 1; }
    installed "$folder" "$packages" && return
    rm -rf "$folder"
    mkdir -p "$folder"
    echo '{"private": true}' >"$folder/package.json"
    # shellcheck disable=SC2086 # a list of words
    npm install --prefix "$folder" --no-audit --no-fund --silent $packages >"$work/install" 2>&1 ||
        { why="npm: $(tail -n 1 "$work/install")"; return 1; }
    printf '%s' "$packages" >"$folder/.installed"
}

# install_py NAME PACKAGES: each client has its own versions of what the others need too.
install_py() {
    local folder=$cache/$1 packages="$2 $py_beside"
    have python3 || { why="there is no python3"; return 1; }
    python3 -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
        { why="python3 is older than 3.10 or has no venv"; return 1; }
    installed "$folder" "$packages" && return
    rm -rf "$folder"
    # shellcheck disable=SC2086 # a list of words
    { python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --no-compile $packages; } >"$work/install" 2>&1 ||
        { why="pip: $(grep '^ERROR' "$work/install" | head -n 1)"; return 1; }
    printf '%s' "$packages" >"$folder/.installed"
}

install_rmcp() {
    have cargo || { why="there is no cargo"; return 1; }
    cargo fetch --quiet --locked --manifest-path $here/rmcp/Cargo.toml >"$work/install" 2>&1 ||
        { why="cargo: $(grep '^error' "$work/install" | head -n 1)"; return 1; }
    CARGO_TARGET_DIR=$cache/rmcp cargo build --quiet --locked --manifest-path $here/rmcp/Cargo.toml ||
        stop "$here/rmcp does not build"
}
