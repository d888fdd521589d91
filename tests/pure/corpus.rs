//! How much of other people's SQL is read: the file that PGWARDEN_CORPUS names (a JSON object with `sql` a line), else
//! the labelled statements.

use std::fs;

use pgwarden::sql;

/// Refused as what they are: writes and row locks, which no policy allows.
const NOT_READS: &[&str] = &["sql.statement_kind", "sql.read_only"];

#[test]
fn nearly_every_select_is_read_and_printed() {
    let corpus = std::env::var("PGWARDEN_CORPUS");
    let file = corpus.as_deref().unwrap_or("tests/fixtures/sql_cases.jsonl");
    let (mut all, mut parsed, mut reads, mut accepted) = (0.0, 0.0, 0.0, 0.0);
    for line in fs::read_to_string(file).unwrap().lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = case["sql"].as_str().unwrap();
        let print = sql::reprint(text);
        let rule = print.as_ref().err().and_then(|no| no.rule.clone()).unwrap_or_default();
        all += 1.0;
        parsed += f64::from(u8::from(sql::parses(text).is_ok()));
        reads += f64::from(u8::from(!NOT_READS.contains(&rule.as_str())));
        accepted += f64::from(u8::from(print.is_ok()));
    }
    println!("{all} statements, {parsed} parse, {accepted} of {reads} reads are accepted");
    assert!(all >= 250.0, "{all}");
    if corpus.is_ok() {
        assert!(parsed / all >= 0.97 && accepted / reads >= 0.95, "{parsed} of {all}, {accepted} of {reads}");
    } else {
        assert!(accepted / reads >= 0.9, "{accepted} of {reads}");
    }
}
