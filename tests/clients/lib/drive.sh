# Runs the drivers, and makes the table of what they print.

# As tools/list has them.
TOOLS=$(paste -sd ' ' tests/fixtures/tools.txt)
export TOOLS

# result CLIENT DRIVER MODE TRANSPORT CHECK STATE DETAIL: one line of $results/DRIVER, which lib/table.awk reads. It stays there
# until the driver runs again.
result() {
    local IFS='	'
    printf '%s\n' "$*" >>"$results/$2"
}

# client PACKAGE VERSION REGISTRY DRIVER MODES BESIDE: a line of tests/clients/rows.
client() {
    local package=$1 version=$2 driver=$4 modes=$5 mode transport command
    why=""
    rm -f "$results/$driver"
    case $3 in
        npm) install_npm "$driver" "$package@$version $6" && copied node mjs && command="node $cache/$driver/$driver.mjs" ;;
        PyPI) install_py "$driver" "$package==$version $6" && copied python py &&
            command="$cache/$driver/bin/python $cache/$driver/$driver.py" ;;
        *) install_rmcp && command="$cache/rmcp/debug/pgwarden-client-rmcp" ;;
    esac
    if [ -n "$why" ]; then
        result "$package $version" "$driver" - - - skipped "$why"
        return
    fi
    for mode in ${modes//,/ }; do
        for transport in stdio http; do
            drive "$package $version" "$driver" "$mode" $transport $command
        done
    done
}

# copied LANGUAGE SUFFIX: the drivers find their packages beside them.
copied() {
    cp "$here/$1"/*."$2" "$cache/$driver/"
}

# drive CLIENT DRIVER MODE TRANSPORT COMMAND..: each line that the driver prints is `ok CHECK DETAIL` or `FAILED CHECK REASON`.
drive() {
    local row=("${@:1:4}") state check detail outcome=0
    TRANSPORT=$4 MODE=$3 PYTHONDONTWRITEBYTECODE=1 timeout 300 "${@:5}" </dev/null >"$work/checks" 2>"$work/errors" || outcome=$?
    while read -r state check detail; do
        case $state in ok | FAILED) result "${row[@]}" "$check" "$state" "$detail" ;; esac
    done <"$work/checks"
    if ! grep -q '^FAILED' "$work/checks" && { [ $outcome -ne 0 ] || ! grep -q '^ok close' "$work/checks"; }; then
        result "${row[@]}" close FAILED "exit code $outcome: $(tail -n 3 "$work/errors" | tr '\n' '|')"
    fi
    note "$1, $3, $4"
}

# wanted_rows: the lines of tests/clients/rows that are asked for.
wanted_rows() {
    awk -v wanted=" $wanted " '/^[^#]/ && (index(wanted, " " $6 " ") || index(wanted, " " $4 " "))' $here/rows
}

# table FORM: text or markdown; fails where a check did, or is missing without a note.
table() {
    local driver all=()
    for driver in $(wanted_rows | awk '{ print $4 }'); do
        [ -f "$results/$driver" ] || stop "$driver has not been run"
        all+=("$results/$driver")
    done
    cat "${all[@]}" | awk -v form="$1" -f $here/lib/table.awk $here/notes -
}

# between FILE: puts its input between the file's markers.
between() {
    MADE=$(cat) awk '
        /^<!-- end/ { inside = 0 }
        !inside { print }
        /^<!-- begin/ { inside = 1; print ""; print ENVIRON["MADE"]; print "" }' "$1" >"$work/page" && cat "$work/page" >"$1"
}
