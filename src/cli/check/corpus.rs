//! `pgwarden check --corpus FILE`: how much of a file of statements is read, and what the rest is refused for.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::pg::Diagnostic;
use crate::sql::{self, CheckContext};

/// Refused as what they are: writes and row locks.
const NOT_READS: &[&str] = &["sql.statement_kind", "sql.read_only"];

/// What became of the statements of a file.
#[derive(Debug, Default, Serialize)]
struct Report {
    statements: u32,
    /// sqlparser reads them.
    parse: u32,
    /// Writes and row locks, which no policy allows.
    writes: u32,
    /// Through every gate that needs no names: parsed, lowered, printed, read again.
    accepted: u32,
    /// Through all gates: what they name is in this database, and the policy allows it.
    allowed: u32,
    refused: Vec<Class>,
}

/// Refusals with the same words, but for names.
#[derive(Debug, Default, Serialize)]
struct Class {
    count: u32,
    rule: String,
    message: String,
    /// The number of the first such statement in the file.
    first: u32,
}

#[derive(Deserialize)]
struct Line {
    sql: String,
}

pub fn run(file: &Path, cx: &CheckContext<'_>, json: bool, mut out: impl Write) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let statements = statements(&text).with_context(|| format!("{} cannot be split", file.display()))?;
    let report = report(&statements, cx);
    if json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        print(&report, &mut out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A JSON object with the key `sql` a line, or statements with `;` between.
fn statements(text: &str) -> anyhow::Result<Vec<String>> {
    if !text.trim_start().starts_with('{') {
        return sql::split(text).map_err(|no| anyhow::anyhow!("{}", no.render(text)));
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let number = at.saturating_add(1);
            let line: Line = serde_json::from_str(line)
                .with_context(|| format!("line {number} is no object with the key `sql`"))?;
            Ok(line.sql)
        })
        .collect()
}

fn report(statements: &[String], cx: &CheckContext<'_>) -> Report {
    let mut report = Report::default();
    let mut classes: BTreeMap<(String, String), Class> = BTreeMap::new();
    for text in statements {
        report.statements = report.statements.saturating_add(1);
        report.parse = report.parse.saturating_add(u32::from(sql::parses(text).is_ok()));
        let refusal = match sql::reprint(text) {
            Err(no) => {
                let rule = no.rule.as_deref().unwrap_or_default();
                report.writes = report.writes.saturating_add(u32::from(NOT_READS.contains(&rule)));
                Some(no)
            }
            Ok(_) => {
                report.accepted = report.accepted.saturating_add(1);
                sql::check(text, cx).err()
            }
        };
        let Some(no) = refusal else {
            report.allowed = report.allowed.saturating_add(1);
            continue;
        };
        let rule = no.rule.clone().unwrap_or_default();
        let message = without_names(&no);
        let class = classes.entry((rule.clone(), message.clone())).or_insert_with(|| Class {
            count: 0,
            rule,
            message,
            first: report.statements,
        });
        class.count = class.count.saturating_add(1);
    }
    report.refused = classes.into_values().collect();
    report.refused.sort_by_key(|class| std::cmp::Reverse(class.count));
    report
}

/// `relation `a` does not exist` and the like count as one.
fn without_names(no: &Diagnostic) -> String {
    let message = no.message.split(", found: ").next().unwrap_or_default();
    let parts = message.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 0 { part } else { "`..`" }).collect()
}

fn print(report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
    let percent = |part: u32, whole: u32| f64::from(part) * 100.0 / f64::from(whole.max(1));
    let Report { statements, parse, writes, accepted, allowed, refused } = report;
    let reads = statements.saturating_sub(*writes);
    writeln!(out, "{statements:>6} statements")?;
    writeln!(out, "{parse:>6} parse ({:.1} %)", percent(*parse, *statements))?;
    writeln!(out, "{writes:>6} write or lock rows, which no policy allows")?;
    writeln!(
        out,
        "{accepted:>6} of the other {reads} are accepted as syntax ({:.1} %)",
        percent(*accepted, reads)
    )?;
    writeln!(out, "{allowed:>6} are allowed here, with what they name")?;
    if !refused.is_empty() {
        writeln!(out, "refused:")?;
    }
    for Class { count, rule, message, first } in refused {
        writeln!(out, "{count:>6} {rule}: {message} (first: statement {first})")?;
    }
    Ok(())
}
