//! The tool `database_health`: what a DBA looks at first, as findings with evidence and a remedy.

mod check;
mod finding;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::looks::Look;
use super::served::Schema;
use super::visible::Visible;
use super::{Gateway, HealthReport, HealthRequest, Served, deadline};
use crate::auth::Caller;
use crate::db::fixed::{Record, Value as Bound};
use crate::db::{Database, Monitor};
use crate::pg::{Diagnostic, Source, SqlState};
use check::{Check, Eyes, chosen};
use finding::{Finding, Row};

/// Characters that the object around the findings takes.
const ENVELOPE_CHARS: usize = 1_500;

/// What could not be looked at.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Unchecked {
    check: &'static str,
    why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// What the checks came to.
#[derive(Default)]
struct Looked {
    findings: Vec<Finding>,
    clean: Vec<&'static str>,
    unchecked: Vec<Unchecked>,
}

impl Gateway {
    /// Runs `request.checks`, or all. What is about something hidden from the caller is not found.
    pub async fn database_health(
        &self,
        caller: &Caller,
        request: HealthRequest,
        cancel: &CancellationToken,
    ) -> Result<HealthReport, Diagnostic> {
        let served = self.served(request.database.as_deref())?;
        let mut look = Look::begin(self, caller, served, "database_health")?;
        let told = Box::pin(self.examined(caller, request, cancel, (served, &mut look))).await;
        look.end(told)
    }

    async fn examined(
        &self,
        caller: &Caller,
        request: HealthRequest,
        cancel: &CancellationToken,
        (served, look): (&Served, &mut Look<'_>),
    ) -> Result<HealthReport, Diagnostic> {
        let checks = chosen(&request.checks)?;
        // The last snapshot: reading a new one waits for locks, and who looks here may look for those.
        let Schema { pinned, catalog, limits, .. } = served.schema(caller, &self.limits, cancel).await?;
        look.under(pinned.policy().version());
        let _admitted = self.admitted(caller, served, pinned.policy())?;
        let visible = Visible::new(&catalog, pinned.policy());
        let looks = Box::pin(look_at(served, &checks, &visible));
        let looked = deadline::within(limits.deadline, cancel, looks).await?;
        let report = report(looked, limits.characters);
        look.at_those_of(&report, "findings", "object");
        Ok(HealthReport(report))
    }
}

async fn look_at(
    served: &Served,
    checks: &[&'static Check],
    visible: &Visible<'_>,
) -> Result<Looked, Diagnostic> {
    let relations: Vec<String> = visible.oids().map(|oid| oid.0.to_string()).collect();
    let relations = format!("{{{}}}", relations.join(","));
    let mut looked = Looked::default();
    let mut watch = Watch::new(served);
    for check in checks {
        let sql = check.sql(visible.catalog().contents().server_version);
        let values: &[Bound<'_>] = if check.of_relations { &[Bound::Text(&relations)] } else { &[] };
        let seen = match watch.rows(check.eyes, sql, values).await {
            Ok(seen) => seen,
            Err(why) => {
                looked.unchecked.push(unchecked(check, &why));
                continue;
            }
        };
        looked.take(check, &seen, visible);
    }
    Ok(looked)
}

/// Who looks. A monitor that does not get in is not asked again in the same call.
struct Watch<'s> {
    database: &'s Database,
    monitor: Result<&'s Monitor, Diagnostic>,
}

impl<'s> Watch<'s> {
    fn new(served: &'s Served) -> Self {
        let monitor = served.database.monitor().ok_or_else(|| served.has_no_monitor());
        Self { database: &served.database, monitor }
    }

    /// One answer of each who looked.
    async fn rows(
        &mut self,
        eyes: Eyes,
        sql: &'static str,
        values: &[Bound<'_>],
    ) -> Result<Vec<Vec<Row>>, Diagnostic> {
        let watched = match (&self.monitor, eyes) {
            (Ok(monitor), Eyes::Monitor | Eyes::Any | Eyes::Both) => Some(monitor.look(sql, values).await),
            (Err(none), Eyes::Monitor) => return Err(none.clone()),
            _ => None,
        };
        let mut seen = Vec::new();
        match watched {
            Some(Ok(records)) => seen.push(rows(&records)?),
            Some(Err(gone)) if gone.source == Source::Connection => {
                self.monitor = Err(gone.clone());
                if eyes == Eyes::Monitor {
                    return Err(gone);
                }
            }
            Some(Err(failed)) => return Err(failed),
            None => {}
        }
        if eyes == Eyes::Both || seen.is_empty() {
            seen.push(rows(&self.database.look(sql, values).await?)?);
        }
        Ok(seen)
    }
}

fn rows(records: &[Record]) -> Result<Vec<Row>, Diagnostic> {
    let read = |record: &Record| {
        let text = record.text(0)?;
        serde_json::from_str(&text).map_err(|_| {
            Diagnostic::new(
                Source::Connection,
                SqlState::INTERNAL_ERROR,
                "a check's answer has an unknown form",
            )
        })
    };
    records.iter().map(read).collect()
}

/// PostgreSQL's own words may name what is hidden.
fn unchecked(check: &Check, why: &Diagnostic) -> Unchecked {
    let (why, hint) = match why.source {
        Source::Pgwarden => (why.message.clone(), why.hint.clone()),
        Source::Connection | Source::Postgresql => (
            format!("it failed with SQLSTATE {}", why.sqlstate),
            Some("`pgwarden doctor` looks at both logins".to_owned()),
        ),
    };
    Unchecked { check: check.word, why, hint }
}

impl Looked {
    fn take(&mut self, check: &Check, seen: &[Vec<Row>], visible: &Visible<'_>) {
        let before = (self.findings.len(), self.unchecked.len());
        for row in seen.iter().flatten().filter(|row| !row.unreadable) {
            let finding = row.shown(check, visible);
            self.findings.extend(finding.filter(|new| {
                // Two who look find the same.
                seen.len() == 1
                    || !self.findings.iter().any(|old| (old.check, &old.object) == (new.check, &new.object))
            }));
        }
        let unreadable = |rows: &Vec<Row>| -> BTreeSet<String> {
            let rows = rows.iter().filter(|row| row.unreadable && row.shown(check, visible).is_some());
            rows.filter_map(|row| row.object.clone()).collect()
        };
        let all = seen.iter().map(unreadable).reduce(|one, other| &one & &other).unwrap_or_default();
        if let Some(first) = all.first() {
            self.unchecked.push(Unchecked {
                check: check.word,
                why: format!("{} sequences cannot be read, that of `{first}` first", all.len()),
                hint: Some(
                    "let the DBA GRANT SELECT on the sequences to the login or the monitor login".to_owned(),
                ),
            });
        }
        if before == (self.findings.len(), self.unchecked.len()) {
            self.clean.push(check.word);
        }
    }
}

/// The worst first, until the answer is full.
fn report(looked: Looked, characters: usize) -> Value {
    let Looked { mut findings, clean, mut unchecked } = looked;
    findings.sort_by_key(|finding| finding.severity);
    unchecked.sort();
    let mut left = characters.saturating_sub(ENVELOPE_CHARS);
    let mut shown = Vec::new();
    for finding in &findings {
        let finding = serde_json::to_value(finding).unwrap_or_default();
        let Some(rest) = left.checked_sub(finding.to_string().chars().count() + 1) else { break };
        left = rest;
        shown.push(finding);
    }
    let mut report = json!({
        "findings": shown, "total": findings.len(), "truncated": shown.len() < findings.len(), "clean": clean,
    });
    if let (false, Some(report)) = (unchecked.is_empty(), report.as_object_mut()) {
        report.insert("unchecked".to_owned(), json!(unchecked));
    }
    report
}
