//! docs/METRICS.md, the dashboard and the alerts name the series that there are, with labels that they have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pgwarden::config;
use pgwarden::sql;
use pgwarden::telemetry::metrics::series::{ALL, Kind};
use serde_json::Value;

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Names of samples, with the labels that each may be asked for.
fn samples() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut samples = BTreeMap::new();
    for series in ALL {
        let labels: BTreeSet<&str> = series.labels.iter().copied().chain(["instance", "job"]).collect();
        match series.kind {
            Kind::Histogram(_) => {
                samples.insert(format!("{}_sum", series.name), labels.clone());
                samples.insert(format!("{}_count", series.name), labels.clone());
                let with_le = labels.into_iter().chain(["le"]).collect();
                samples.insert(format!("{}_bucket", series.name), with_le);
            }
            _ => {
                samples.insert(series.name.to_owned(), labels);
            }
        }
    }
    samples
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What is wrong with an expression of PromQL: names that no scrape has, labels that none of its samples has.
fn faults(expression: &str) -> Vec<String> {
    let samples = samples();
    let mut labels = BTreeSet::new();
    let mut faults = Vec::new();
    let words = expression.split(|c: char| !is_word(c));
    for word in words.filter(|word| word.starts_with("pgwarden_") || word.starts_with("process_")) {
        match samples.get(word) {
            Some(known) => labels.extend(known.iter().copied()),
            None => faults.push(format!("no series `{word}`")),
        }
    }
    let grouped = expression.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
    let matched = expression.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let matched = matched.flat_map(|inside| inside.split(',')).filter_map(|one| one.split(['=', '!']).next());
    for label in grouped.flat_map(|inside| inside.split(',')).chain(matched).map(str::trim) {
        if !label.is_empty() && !labels.contains(label) {
            faults.push(format!("no label `{label}` in `{expression}`"));
        }
    }
    faults
}

fn dashboard() -> Vec<String> {
    let board: Value = serde_json::from_str(&text("packages/observability/grafana/pgwarden.json")).unwrap();
    let panels = board["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// By name; an expression may go on below its key.
fn alerts() -> BTreeMap<String, String> {
    let text = text("packages/observability/alerts.yml");
    let rules = text.split("- alert: ").skip(1).map(|rule| {
        let name = rule.lines().next().unwrap().to_owned();
        let (_, rest) = rule.split_once("expr: ").unwrap();
        let end = ["\n        for:", "\n        labels:"].iter().filter_map(|key| rest.find(key)).min();
        (name, rest[..end.unwrap()].trim_start_matches(">-").to_owned())
    });
    rules.collect()
}

/// First cells of a table, without their backticks.
fn documented(heading: &str) -> BTreeSet<String> {
    let page = text("docs/METRICS.md");
    let tables: Vec<&str> = match heading {
        "" => page.split("## Alerts").next().into_iter().collect(),
        heading => page.split(heading).skip(1).collect(),
    };
    let rows = tables.iter().flat_map(|table| table.lines()).filter(|line| line.starts_with("| `"));
    let cells = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','));
    cells.map(|name| name.trim().trim_matches('`').to_owned()).collect()
}

#[test]
fn every_series_is_documented_with_its_labels_and_no_other() {
    let code: BTreeSet<String> = ALL.iter().map(|series| series.name.to_owned()).collect();
    assert_eq!(documented(""), code);
    let page = text("docs/METRICS.md");
    for series in ALL.iter().filter(|series| series.name.starts_with("pgwarden_")) {
        let start = format!("| `{}` |", series.name);
        let row = page.lines().find(|line| line.starts_with(&start)).unwrap();
        let labels = row.split('|').nth(2).unwrap().replace(['`', ' '], "");
        assert_eq!(labels, series.labels.join(","), "{}", series.name);
    }
}

#[test]
fn the_dashboard_asks_for_what_there_is_and_shows_all_of_it() {
    let expressions = dashboard();
    assert!(expressions.len() >= 20);
    let wrong: Vec<String> = expressions.iter().flat_map(|expression| faults(expression)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let shown = expressions.join(" ");
    let missing: Vec<&str> =
        ALL.iter().map(|series| series.name).filter(|name| !shown.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn alerts_ask_for_what_there_is_and_say_what_to_do() {
    let alerts = alerts();
    assert!(alerts.len() >= 10);
    for (name, expression) in &alerts {
        assert_eq!(faults(&expression.replace("up{job=\"pgwarden\"}", "")), [""; 0], "{name}");
    }
    assert_eq!(documented("## Alerts"), alerts.into_keys().collect());
}

#[test]
fn a_wrong_name_or_label_is_seen() {
    assert_eq!(faults("sum by (tool) (rate(pgwarden_tool_errors_total{class=\"42\"}[5m]))"), [""; 0]);
    assert_eq!(faults("pgwarden_tool_error_total").len(), 1);
    assert_eq!(faults("sum by (subject) (pgwarden_tool_errors_total)").len(), 1);
    assert_eq!(faults("pgwarden_tool_errors_total{relation=~\"x\"}").len(), 1);
    assert_eq!(faults("pgwarden_pool_wait_seconds").len(), 1, "a histogram is asked for by its samples");
}

#[test]
fn the_configurations_of_both_pages_are_ones() {
    for page in ["docs/METRICS.md", "docs/TRACING.md"] {
        let page = text(page);
        let fences: Vec<&str> =
            page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
        assert!(!fences.is_empty());
        for fence in fences {
            config::read(fence, Path::new("pgwarden.toml"), &|_| None).unwrap();
        }
    }
    let observed = text("migrations-fixtures/compose/observed.toml");
    let observed = config::read(&observed, Path::new("pgwarden.toml"), &|_| None).unwrap();
    assert!(observed.metrics.listen.is_some() && observed.tracing.is_some());
}

/// What stands behind a statement of a trace changes nothing of it.
#[test]
fn a_statement_with_the_comment_of_a_trace_is_the_same_statement() {
    let comment = "/*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/";
    let mut seen = 0;
    for line in text("tests/fixtures/sql_cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let Ok(print) = sql::reprint(case["sql"].as_str().unwrap()) else { continue };
        assert_eq!(sql::reprint(&format!("{print}{comment}")).unwrap(), sql::reprint(&print).unwrap());
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}
