//! An approval as a terminal shows it: everything, and nothing unseen.

use std::fmt::Write as _;

use anyhow::anyhow;
use chrono::Utc;

use crate::approvals::{ApprovalRule, Person};
use crate::gateway::{ApprovalView, invisible};
use crate::pg::Diagnostic;

/// One of a list.
pub(super) fn line(approval: &ApprovalView) -> String {
    format!(
        "{}  {} {}  database {}  asked by {}  expires in {} s",
        approval.id,
        plain(&approval.kind),
        plain(&approval.relation),
        plain(&approval.database),
        plain(&approval.requester.shown()),
        left(approval),
    )
}

/// All that is approved.
pub(super) fn whole(approval: &ApprovalView) -> String {
    let mut out = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "{name:<12} {}", plain(value));
    };
    row("approval", &approval.id.to_string());
    row("asked by", &approval.requester.shown());
    if let Some(client) = approval.client_id.as_ref().or(approval.client.as_ref()) {
        row("with", client);
    }
    row("database", &approval.database);
    row("as role", &approval.run_as);
    row("policy", &approval.policy);
    row("writes to", &format!("{} ({})", approval.relation, approval.kind));
    row("at most", &format!("{} rows", approval.rows));
    row("needs", needed(approval.rule));
    if !approval.approved_by.is_empty() {
        let people: Vec<String> = approval.approved_by.iter().map(Person::shown).collect();
        row("approved by", &people.join(", "));
    }
    row("expires in", &format!("{} s", left(approval)));
    let _ = writeln!(out, "\n{}\n", lines(&approval.statement));
    for (number, param) in approval.params.iter().enumerate() {
        let value = param.as_ref().map_or_else(|| "NULL".to_owned(), |text| format!("{text:?}"));
        let _ = writeln!(out, "${} = {}", number + 1, plain(&value));
    }
    if let Ok(preview) = serde_json::to_string_pretty(&approval.preview()) {
        let _ = writeln!(out, "\npreview {}\n", lines(&preview));
    }
    out
}

pub(super) fn failure(error: &Diagnostic) -> anyhow::Error {
    match &error.hint {
        Some(hint) => anyhow!("{}\nhint: {hint}", error.message),
        None => anyhow!("{}", error.message),
    }
}

fn needed(rule: ApprovalRule) -> &'static str {
    match rule {
        ApprovalRule::Requester => "the person who asked",
        ApprovalRule::Approver => "somebody with the scope approve",
        ApprovalRule::Two => "two people",
    }
}

fn left(approval: &ApprovalView) -> i64 {
    (approval.expires - Utc::now()).num_seconds().max(0)
}

fn plain(text: &str) -> String {
    invisible::shown_line(text)
}

/// Line ends stay; a carriage return would write over what stands before it.
fn lines(text: &str) -> String {
    invisible::shown(text).replace('\r', "\\u{d}")
}
