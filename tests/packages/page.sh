# The command lines of docs/INSTALL.md, run from top to bottom in a home that ends with the run. What stands here for what is
# elsewhere: the checkout for the repository, a packed archive for a download, a dry run for a cluster, Docker's client
# without a daemon. A line that nothing here knows fails. Sourced by `run`.

page_lines() {
    sed -n '/^```console$/,/^```$/ { /^```/d; p; }' docs/INSTALL.md
}

# As somebody types it who has pgwarden on the path.
typed() {
    (cd "$work/home" && HOME=$work/home PATH=$work/path:$PATH timeout 60 bash -c "$1")
}

# Ends the line's subshell where a program is missing: the table says `skipped`.
needs() {
    have "$1" && return
    echo "there is no $1"
    exit 77
}

# Docker's client has understood the line, and then looks for its daemon.
understood_by_docker() {
    local answer
    answer=$(DOCKER_HOST=tcp://127.0.0.1:1 timeout 60 bash -c "$1" 2>&1)
    echo "$answer"
    [[ $answer == *"Cannot connect to the Docker daemon"* ]]
}

# page_line LINE: in a subshell, with 77 as its status where it cannot be run here.
page_line() (
    local line=$1 repository=https://github.com/pgwarden/pgwarden
    case $line in
        "cargo install "*)
            eval "${line/--git $repository/--path . --root $work/cargo --debug --offline --quiet}" &&
                "$work/cargo/bin/pgwarden" --version
            ;;
        "sudo tar "*)
            line=${line/sudo /}
            mkdir -p "$work/home/.local" &&
                packages/archive "$program" "$work/home/pgwarden-linux-x64.tar.gz" &&
                typed "${line/\/usr\/local/.local}" &&
                unpacked_archive "$work/home/.local"
            ;;
        "claude plugin marketplace add "*)
            needs "$npm/claude"
            typed "${line/pgwarden\/pgwarden/$root}"
            ;;
        "claude plugin install "*)
            needs "$npm/claude"
            typed "$line" && connected_claude
            ;;
        "gemini extensions install "*)
            needs "$npm/gemini"
            gemini_folder && typed "${line/$repository/$work/extension --consent --skip-settings}" && connected_gemini
            ;;
        "docker run "*)
            # shellcheck disable=SC2086 # the words behind the image
            PGWARDEN_DATABASE=$nobody timeout 60 "$program" ${line#*/pgwarden:* } </dev/null || exit 1
            needs docker
            understood_by_docker "$line"
            ;;
        "docker compose "*)
            docker compose version || { echo "there is no docker compose"; exit 77; }
            understood_by_docker "$line"
            ;;
        "kubectl create secret "*)
            needs kubectl
            # What the line before it made is there; the password is the reader's.
            printf 'secret' >"$work/home/password"
            typed "$line --dry-run=client --output name"
            ;;
        "kubectl apply --kustomize "*)
            needs kubectl
            eval "${line/apply --kustomize/kustomize}"
            ;;
        "pgwarden token create "* | "pgwarden man "*)
            typed "$line"
            ;;
        *"pgwarden completions "*)
            completed "$line"
            ;;
        "gh attestation verify "*)
            needs gh
            gh attestation verify --help | grep -q -e '--repo'
            ;;
        *)
            echo "nothing here runs it"
            exit 1
            ;;
    esac
)

# A line of a shell's start file: the shell takes it, and then knows what completes pgwarden.
completed() {
    case $1 in
        *"completions bash"*) typed "$1; complete -p pgwarden" ;;
        *"completions zsh"*)
            needs zsh
            typed "zsh -fc 'autoload -U compinit && compinit -D; $1; [ \$_comps[pgwarden] = _pgwarden ]'"
            ;;
        *"completions fish"*)
            needs fish
            typed "fish --no-config -c '$1; complete -C \"pgwarden ser\"' | grep -q '^serve'"
            ;;
        *) return 1 ;;
    esac
}

# unpacked_archive FOLDER: each reader finds its file, and can read it.
unpacked_archive() {
    local share=$1/share
    [ -x "$1/bin/pgwarden" ] && [ -s "$share/doc/pgwarden/LICENSE-MIT" ] || { echo "files are missing"; return 1; }
    bash -n "$share/bash-completion/completions/pgwarden" || return 1
    if have zsh; then zsh -n "$share/zsh/site-functions/_pgwarden" || return 1; fi
    if have fish; then
        typed "fish -c 'complete -C \"pgwarden token re\"' | grep -q '^revoke'" ||
            { echo "fish completes nothing by what is in the archive"; return 1; }
    fi
    if have mandoc; then mandoc -T lint -W error "$share"/man/man1/*.1 || return 1; fi
    if have man; then man --manpath "$share/man" --where pgwarden-token-create || return 1; fi
    python3 - "$work/home/pgwarden-linux-x64.tar.gz" <<'PYTHON'
import sys, tarfile
for member in tarfile.open(sys.argv[1]):
    if member.uid or member.gid or member.mode & 0o022:
        sys.exit(f"{member.name}: somebody else than root may write it, where root unpacks it")
PYTHON
}

# The plugin's secret is kept apart from its settings, and Claude Code starts pgwarden with it.
connected_claude() {
    typed "printf '{\"database\": \"%s\"}' '$nobody' | claude plugin configure pgwarden@pgwarden --values-stdin" &&
        grep -q 'pgwarden@pgwarden' "$work/home/.claude/settings.json" || return 1
    if grep -F "${nobody%%\?*}" "$work/home/.claude/settings.json" "$work/home/.claude.json"; then
        echo "the database is among the settings"
        return 1
    fi
    typed "claude mcp list" | grep 'pgwarden serve --stdio - .* Connected'
}

# The unpacked extension, in a folder that is trusted: Gemini CLI would ask, and wait for ever where nobody answers.
gemini_folder() {
    mkdir -p "$work/extension" "$work/home/.gemini" &&
        tar -xzf "$work/dist/$platform.$arch.pgwarden.tar.gz" -C "$work/extension" &&
        printf '{"%s": "TRUST_FOLDER", "%s": "TRUST_FOLDER"}' "$work/extension" "$work/home" \
            >"$work/home/.gemini/trustedFolders.json"
}

# Gemini CLI starts what it has installed.
connected_gemini() {
    typed "PGWARDEN_DATABASE='$nobody' gemini mcp list" 2>&1 | grep '/pgwarden serve --stdio (stdio) - Connected'
}
