# What the clients talk to: the sample database, a pgwarden without login and one that wants a token.

# wait_for PATTERN FILE SERVER: until the server has said so, or has ended.
wait_for() {
    local tries=0
    until grep -q "$1" "$2" 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ] || ! kill -0 "$3" 2>/dev/null; then
            cat "$work"/*.out "$work"/*.log >&2
            stop "pgwarden did not start"
        fi
        sleep 0.2
    done
}

start_database() {
    "$PROGRAM" demo --listen 127.0.0.1:0 >"$work/demo.out" 2>"$work/demo.log" &
    servers="$!"
    wait_for '^Claude Code' "$work/demo.out" $!
    DATABASE_URL=$(sed -n "s/.*claude mcp add pgwarden -- .* --database '\{0,1\}\([^']*\)'\{0,1\}$/\1/p" "$work/demo.out")
    [ -n "$DATABASE_URL" ] || { cat "$work/demo.out" >&2; stop "the demo did not name its database"; }
    # Of the throwaway cluster, to whose socket only this user comes.
    ADMIN_DATABASE_URL=$(printf '%s' "$DATABASE_URL" | sed 's/pgwarden_demo@/postgres@/')
}

# configure NAME: a configuration file of that name. Clients soon have a task or a handle, but not before a client has
# cancelled its call.
configure() {
    cat >"$work/$1.toml" <<END
[server]
control_directory = "$work/$1.control"

[limits]
seconds = 60

[tasks]
task_after_ms = 300
handle_after_ms = 1000
poll_ms = 200

[databases.shop]
url = "$DATABASE_URL"
policy = "policy.toml"
END
    cat >"$work/policy.toml" <<END
version = 1
include = []

[[allow]]
select = ["*.*"]

[[allow]]
update = ["shop.reviews.title"]

[writes]
approval = "requester"
rows = 10
END
}

# listen NAME: prints nothing; the address is in `url` then.
listen() {
    "$PROGRAM" serve --listen 127.0.0.1:0 --config "$work/$1.toml" >"$work/$1.out" 2>"$work/$1.log" &
    servers="$! $servers"
    wait_for 'listening on http' "$work/$1.log" $!
    url=$(sed -n 's/.*listening on \(http[^ ]*\).*/\1/p' "$work/$1.log" | head -n 1)
}

# Sets what the drivers read (node/checks.mjs).
start_servers() {
    configure open
    listen open
    MCP_URL=$url
    configure login
    printf '\n[auth]\ntokens_file = "tokens.toml"\n' >>"$work/login.toml"
    TOKEN=$("$PROGRAM" token create --tokens-file "$work/tokens.toml" --name clients --scope read 2>"$work/token.log") ||
        { cat "$work/token.log" >&2; stop "no token could be made"; }
    listen login
    LOGIN_URL=$url
    CONFIG=$work/open.toml
    export CONFIG MCP_URL LOGIN_URL TOKEN DATABASE_URL ADMIN_DATABASE_URL="${ADMIN_DATABASE_URL:-$DATABASE_URL}"
}
