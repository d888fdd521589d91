# What drives a browser: Debian's Chromium, node 22, and playwright-core with axe-core from npm.

node_package=node@22.23.3
browser_packages="playwright-core@1.65.1 axe-core@4.14.1"
# The counterpart of our pages in clients (MCP Apps), and what it is bundled by.
apps_packages="@modelcontextprotocol/ext-apps@2.0.4 @modelcontextprotocol/client@2.4.0 @modelcontextprotocol/core@2.4.0 zod@4.6.7 esbuild@0.28.2"

# Sets CHROMIUM to the program, or fails.
ensure_chromium() {
    local name
    for name in chromium chromium-browser google-chrome; do
        if [ -z "${CHROMIUM:-}" ] && have $name; then
            CHROMIUM=$(command -v $name)
        fi
    done
    if [ -z "${CHROMIUM:-}" ]; then
        { [ "$(package_manager)" = apt-get ] && install_packages chromium && CHROMIUM=$(command -v chromium); } || {
            note "there is no Chromium: install it, or name its program in CHROMIUM"
            return 1
        }
    fi
    export CHROMIUM
}

# npm_folder FOLDER PACKAGE..: exactly these are in FOLDER/node_modules; node's program becomes NODE.
npm_folder() {
    local folder=$1 log
    shift
    have npm || { note "there is no npm: install Node.js"; return 1; }
    if [ "$(cat "$folder/.installed" 2>/dev/null)" != "$*" ]; then
        note "installing $*"
        rm -rf "$folder/node_modules" "$folder/package-lock.json"
        mkdir -p "$folder"
        echo '{"private": true, "type": "module"}' >"$folder/package.json"
        log=$(npm install --prefix "$folder" --no-audit --no-fund --silent "$@" 2>&1) ||
            { note "npm: $(printf '%s' "$log" | tail -n 1)"; return 1; }
        printf '%s' "$*" >"$folder/.installed"
    fi
    NODE=$folder/node_modules/node/bin/node
    export NODE
}
