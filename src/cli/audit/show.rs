//! `pgwarden audit show`

use std::io::Write as _;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::ShowArguments;
use super::source::{Source, config};
use crate::cli::span::span;

/// What a line begins with; the rest follows as `name=value`.
const FIRST: [&str; 4] = ["seq", "time", "event", "outcome"];
/// What only `verify` reads.
const CHAIN: [&str; 2] = ["prev", "hash"];

pub(super) async fn run(arguments: ShowArguments) -> anyhow::Result<ExitCode> {
    let since =
        arguments.since.as_deref().map(|time| span(time).map(|span| Utc::now() - span)).transpose()?;
    let config = config(&arguments.log)?;
    let source = Source::open(&arguments.log, &config).await?;
    let (mut out, mut unread) = (std::io::stdout().lock(), 0_u64);
    let read = source.lines(|line| {
        let Ok(record) = serde_json::from_slice::<Map<String, Value>>(line.text) else {
            unread += 1;
            return Ok(());
        };
        if !is_wanted(&record, &arguments, since) {
            return Ok(());
        }
        match arguments.json {
            true => out.write_all(line.text).and_then(|()| out.write_all(b"\n")),
            false => writeln!(out, "{}", shown(&record)),
        }
    });
    match read.await? {
        // Whoever read has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        ended => ended?,
    }
    if unread > 0 {
        eprintln!("{unread} lines are no records: pgwarden audit verify says which");
    }
    Ok(ExitCode::SUCCESS)
}

fn is_wanted(record: &Map<String, Value>, asked: &ShowArguments, since: Option<DateTime<Utc>>) -> bool {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let is = |name: &str, wanted: &Option<String>| {
        wanted.as_deref().is_none_or(|wanted| text(name) == Some(wanted))
    };
    let time = || text("time").and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    let refused = text("outcome") == Some("refused") || text("step") == Some("refused");
    is("subject", &asked.subject)
        && is("database", &asked.database)
        && (!asked.refused || refused)
        && since.is_none_or(|since| time().is_some_and(|time| time >= since))
}

/// In one line: strings in quotes where they are no plain words.
fn shown(record: &Map<String, Value>) -> String {
    let mut parts: Vec<String> = FIRST
        .iter()
        .filter_map(|name| record.get(*name))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    for (name, value) in record {
        if FIRST.contains(&name.as_str()) || CHAIN.contains(&name.as_str()) {
            continue;
        }
        let plain = value.as_str().filter(|text| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\'))
        });
        parts.push(format!("{name}={}", plain.map_or_else(|| value.to_string(), str::to_owned)));
    }
    parts.join(" ")
}
