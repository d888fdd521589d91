# The table of the clients: from tests/clients/notes and the results, which lib/drive.sh makes. `form`: text or markdown.
# A column is ok where all of its checks are that the client has; one without any has to have a note.

function column(name, checks) {
    names[++columns] = name
    of[name] = checks
}

BEGIN {
    column("revision", "connect close")
    column("list", "list")
    column("schemas", "schemas")
    column("query", "query formats plan health")
    column("refusal", "refusal arguments")
    column("resource", "resource pages")
    column("completion", "completion")
    column("prompts", "prompts")
    column("change", "change")
    column("cancel", "cancel")
    column("long query", "form create poll result cancel-task list-tasks")
    column("write", "write")
    column("elicitation", "elicitation")
    column("login", "login")
    tells = " connect form write elicitation login "
    times = form == "text" ? " cancel change " : ""
}

# DRIVERS TRANSPORT COLUMNS NOTE..
FILENAME ~ /notes$/ {
    if (/^#/ || NF == 0) next
    count = ++notes
    drivers[count] = "," $1 ","; over[count] = $2; about[count] = "," $3 ","
    sub(/^[^ ]+ +[^ ]+ +[^ ]+ +/, "")
    words[count] = $0
    next
}

FNR == 1 { FS = "\t"; $0 = $0 "" }

$6 == "skipped" {
    rows++
    row[rows] = $1; skipped[rows] = $7
    next
}

{
    key = $1 (($3 == "-") ? "" : ", " $3) SUBSEP $4
    if (!(key in seen)) {
        seen[key] = ++rows
        row[rows] = $1 (($3 == "-") ? "" : ", " $3); driver[rows] = $2; mode[rows] = $3; transport[rows] = $4
    }
    at = seen[key]
    state[at, $5] = $6
    detail[at, $5] = $7
    if ($6 == "FAILED") failures[++failed] = row[at] ", " $4 ": " $5 ": " $7
}

# The number of the note in the order in which they are needed, with brackets.
function noted(at, name,    i, who) {
    who = driver[at] "/" mode[at]
    gsub(/ /, "-", name)
    for (i = 1; i <= notes; i++) {
        if (index(about[i], "," name ",") == 0 || (over[i] != "*" && over[i] != transport[at])) continue
        if (drivers[i] != ",*," && index(drivers[i], "," driver[at] ",") == 0 && index(drivers[i], "," who ",") == 0) continue
        if (!(i in number)) { number[i] = ++numbers; ordered[numbers] = i }
        return number[i]
    }
    failures[++failed] = row[at] ", " transport[at] ": " name ": not checked, and tests/clients/notes does not say why"
    return "?"
}

function cell(at, name,    i, all, check, shown, any) {
    split(of[name], all, " ")
    for (i = 1; i in all; i++) {
        check = all[i]
        if (!((at, check) in state)) continue
        if (state[at, check] == "FAILED") return "FAILED"
        any = 1
        if (index(tells times, " " check " ")) shown = detail[at, check]
    }
    if (!any) return form == "text" ? "- [" noted(at, name) "]" : "- [^" noted(at, name) "]"
    return shown == "" ? "ok" : shown
}

END {
    for (at = 1; at <= rows; at++) {
        if (at in skipped) continue
        for (c = 1; c <= columns; c++) {
            shown[at, c] = cell(at, names[c])
            if (length(shown[at, c]) > width[c]) width[c] = length(shown[at, c])
        }
    }
    if (form == "markdown") {
        line = "| client | over |"; rule = "|---|---|"
        for (c = 1; c <= columns; c++) { line = line " " names[c] " |"; rule = rule "---|" }
        print line; print rule
        for (at = 1; at <= rows; at++) {
            if (at in skipped) { print row[at] " skipped: " skipped[at]; continue }
            line = "| " row[at] " | " (transport[at] == "http" ? "HTTP" : transport[at]) " |"
            for (c = 1; c <= columns; c++) line = line " " shown[at, c] " |"
            print line
        }
        print ""
        for (i = 1; i <= numbers; i++) print "[^" i "]: " words[ordered[i]]
        exit (failed > 0)
    }
    printf "\n%-46s %-5s", "client", "over"
    for (c = 1; c <= columns; c++) {
        if (length(names[c]) > width[c]) width[c] = length(names[c])
        printf " %-" width[c] "s", names[c]
    }
    print ""
    for (at = 1; at <= rows; at++) {
        if (at in skipped) { printf "%-46s skipped: %s\n", row[at], skipped[at]; continue }
        printf "%-46s %-5s", row[at], transport[at]
        for (c = 1; c <= columns; c++) printf " %-" width[c] "s", shown[at, c]
        print ""
    }
    print ""
    for (i = 1; i <= numbers; i++) print "[" i "] " words[ordered[i]]
    if (failed > 0) print "\nerror: " failed " checks failed"
    for (i = 1; i <= failed; i++) print "  " failures[i]
    exit (failed > 0)
}
