//! The figures of a run, printed as tables.

use crate::figures::Figures;

/// Work; what is printed of it, with names of figures in braces (`a-b` is a difference, `a/b` a quotient); the floor; target.
const ROWS: [(&str, &str, &str, &str); 13] = [
    ("process start to tools/list (stdio)", "{start.tools_list_p50_ms} ms", "-", "10 ms"),
    ("idle memory (PSS)", "{idle.pss_mb} MB", "-", "15 MB"),
    (
        "`SELECT 1` over stdio, above the driver's own",
        "seen {stdio.select1.seen_p50_ms-floor.select1_p50_ms} ms, new {stdio.select1.new_p50_ms-floor.select1_p50_ms} ms; \
         p99 {stdio.select1.seen_p99_ms} / {stdio.select1.new_p99_ms} ms",
        "{floor.select1_p50_ms} ms, p99 {floor.select1_p99_ms}",
        "0.30 ms seen, 0.80 ms new",
    ),
    (
        "key lookup over stdio, above the driver's own",
        "seen {stdio.lookup.seen_p50_ms-floor.lookup_p50_ms} ms, new {stdio.lookup.new_p50_ms-floor.lookup_p50_ms} ms; \
         p99 {stdio.lookup.seen_p99_ms} / {stdio.lookup.new_p99_ms} ms",
        "{floor.lookup_p50_ms} ms, p99 {floor.lookup_p99_ms}",
        "0.40 ms seen, 0.90 ms new",
    ),
    (
        "32 HTTP callers, stateless, seen",
        "{stateless.seen_per_s}/s, p99 {stateless.seen_p99_ms} ms, {stateless.seen_peak_mb} MB, {stateless.seen_cores} cores",
        "pgbench {floor.pgbench_per_s}/s",
        "10,000/s, p99 12 ms, 40 MB",
    ),
    (
        "32 HTTP callers, stateless, new",
        "{stateless.new_per_s}/s, p99 {stateless.new_p99_ms} ms, {stateless.new_peak_mb} MB, {stateless.new_cores} cores",
        "pgbench {floor.pgbench_per_s}/s",
        "4,500/s",
    ),
    (
        "32 HTTP callers, sessions, seen",
        "{sessions.seen_per_s}/s, p99 {sessions.seen_p99_ms} ms, {sessions.seen_peak_mb} MB, {sessions.seen_cores} cores",
        "stateless x {sessions.seen_per_s/stateless.seen_per_s}",
        "within 20 % of stateless",
    ),
    (
        "32 HTTP callers, sessions, new",
        "{sessions.new_per_s}/s, p99 {sessions.new_p99_ms} ms, {sessions.new_peak_mb} MB, {sessions.new_cores} cores",
        "stateless x {sessions.new_per_s/stateless.new_per_s}",
        "within 20 % of stateless",
    ),
    (
        "10,000 rows x 7 columns, whole",
        "{rows10k.ms} ms, +{rows10k.peak_mb} MB",
        "COPY {floor.rows10k_ms} ms",
        "45 ms, +8 MB",
    ),
    ("1,000,000 rows, first page", "{million.first_page_ms} ms", "-", "100 ms"),
    (
        "1,000,000 rows, through pages",
        "{million.whole_s} s, {million.pages} pages, +{million.peak_mb} MB",
        "COPY {floor.million_s} s",
        "6 s, +32 MB",
    ),
    ("cancel to PostgreSQL's being idle", "p50 {cancel.p50_ms} ms, p99 {cancel.p99_ms} ms", "-", "10 ms p50"),
    (
        "the same beside 16 busy callers",
        "p50 {cancel.busy.p50_ms} ms, p99 {cancel.busy.p99_ms} ms",
        "-",
        "250 ms p99",
    ),
];

/// The table of a run; peers stand below it.
pub fn of(figures: &Figures) -> String {
    let mut table = String::from("| work | measured | without pgwarden | target |\n|---|---|---|---|\n");
    for (work, measured, floor, target) in ROWS {
        if let Some(measured) = filled(measured, figures) {
            let floor = filled(floor, figures).unwrap_or_else(|| "-".to_owned());
            table += &format!("| {work} | {measured} | {floor} | {target} |\n");
        }
    }
    let peers = figures.names().filter_map(|name| name.strip_prefix("peer.")?.strip_suffix("_per_s"));
    for peer in peers {
        let measured =
            format!("{{peer.{peer}_per_s}}/s, p99 {{peer.{peer}_p99_ms}} ms, {{peer.{peer}_peak_mb}} MB");
        let measured = filled(&measured, figures).unwrap_or_default();
        table += &format!("| 32 HTTP callers, {peer} | {measured} | - | |\n");
    }
    table
}

/// How the figures stand to those of the baseline: each by its own run's floor, where it has one.
pub fn beside(figures: &Figures, baseline: &Figures) -> String {
    let mut table =
        String::from("| figure | baseline | now | ratio | by the floors |\n|---|---|---|---|---|\n");
    for name in figures.names() {
        let (Some(now), Some(then)) = (figures.of(name), baseline.of(name)) else { continue };
        if then == 0.0 {
            continue;
        }
        let ratio = now / then;
        let floors = Figures::floor_of(name).and_then(|floor| Some(figures.of(floor)? / baseline.of(floor)?));
        let by_floor = floors.map_or("-".to_owned(), |floors| format!("{:.2}", ratio / floors));
        table += &format!("| {name} | {} | {} | {ratio:.2} | {by_floor} |\n", short(then), short(now));
    }
    table
}

/// `None` where a figure of the text was not measured.
fn filled(text: &str, figures: &Figures) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}')?;
        let value = match (name.split_once('-'), name.split_once('/')) {
            (Some((of, less)), _) => figures.of(of)? - figures.of(less)?,
            (None, Some((of, by))) => figures.of(of)? / figures.of(by)?,
            (None, None) => figures.of(name)?,
        };
        filled += before;
        filled += &short(value);
        rest = after;
    }
    Some(filled + rest)
}

/// Three figures or so.
pub fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
