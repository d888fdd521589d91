//! `pgwarden check`: the decision about a statement, without running anything.

mod corpus;

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use serde::{Deserialize, Serialize};

use super::DENIED;
use super::arguments::CheckArguments;
use super::setup::{self, Setup, environment};
use super::token;
use crate::pg::{Diagnostic, Position};
use crate::sql::{self, CheckContext, Checked};

/// Gives up on a line that is longer: more than any text that the gates would take.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// The answer, all keys always.
#[derive(Debug, Default, Serialize)]
struct Answer {
    /// What the line was called, where it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<serde_json::Value>,
    /// `allow`, `deny`; `error` where the line itself could not be read.
    decision: &'static str,
    sqlstate: Option<String>,
    rule: Option<String>,
    message: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
    position: Option<Position>,
    relations: Vec<String>,
    rendered: Option<String>,
}

/// One line of input. Other keys are let pass: files of cases have some of their own.
#[derive(Deserialize)]
struct Question {
    id: Option<serde_json::Value>,
    sql: String,
}

pub(super) async fn run(arguments: CheckArguments) -> anyhow::Result<ExitCode> {
    let setup = Setup::read(&arguments.target, &environment)?;
    let served = setup.one(arguments.entry.as_deref())?;
    let catalog = served.database.ready().await?;
    setup::whole(&served.policies.missing(&catalog), &served.saved_faults().await)?;
    for missing in served.missing_notes(&catalog) {
        eprintln!("pgwarden: notes: {missing}");
    }
    let mut caller = setup.caller();
    if !arguments.claim.is_empty() {
        caller.claims = token::claims(&arguments.claim)?.into_iter().collect();
    }
    let policy = served.policies.of(&caller).map_err(|refusal| anyhow!(refusal))?;
    let (database, policy) = (Arc::clone(&served.database), Arc::clone(policy.pin().policy()));
    // The gates are synchronous, and reading stdin blocks.
    let checking = tokio::task::spawn_blocking(move || {
        let cx = CheckContext { claims: &caller.claims, ..CheckContext::new(&catalog, &policy) };
        match (arguments.sql.as_deref(), &arguments.corpus) {
            (_, Some(file)) => corpus::run(file, &cx, arguments.json, std::io::stdout().lock()),
            (Some("-") | None, None) => lines(&cx, std::io::stdin().lock(), std::io::stdout().lock()),
            (Some(text), None) => one(&cx, text, arguments.json),
        }
    });
    let status = checking.await??;
    database.close().await;
    Ok(status)
}

fn one(cx: &CheckContext<'_>, text: &str, json: bool) -> anyhow::Result<ExitCode> {
    let decision = sql::check(text, cx);
    let status = if decision.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(DENIED) };
    let out = match decision {
        decision if json => serde_json::to_string(&answer(decision))?,
        Ok(checked) => {
            let relations: Vec<String> = checked.relations().iter().map(ToString::to_string).collect();
            let relations = if relations.is_empty() { "none".to_owned() } else { relations.join(", ") };
            format!("allowed\nrelations: {relations}\n{}", checked.text())
        }
        Err(refusal) => refusal.render(text),
    };
    writeln!(std::io::stdout(), "{out}")?;
    Ok(status)
}

/// Answers line by line, each as soon as it is known. Fails only where reading or writing does.
fn lines(cx: &CheckContext<'_>, mut input: impl BufRead, mut output: impl Write) -> anyhow::Result<ExitCode> {
    let mut line = String::new();
    for number in 1_u64.. {
        line.clear();
        let mut limited = std::io::Read::take(&mut input, LONGEST_LINE);
        if limited.read_line(&mut line).with_context(|| format!("line {number} cannot be read"))? == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let answer = match serde_json::from_str::<Question>(&line) {
            Ok(Question { id, sql }) => Answer { id, ..answer(sql::check(&sql, cx)) },
            Err(error) => unreadable(number, &error),
        };
        let mut out = serde_json::to_vec(&answer)?;
        out.push(b'\n');
        output.write_all(&out)?;
        output.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(decision: Result<Checked, Diagnostic>) -> Answer {
    match decision {
        Ok(checked) => Answer {
            decision: "allow",
            relations: checked.relations().iter().map(ToString::to_string).collect(),
            rendered: Some(checked.text().to_owned()),
            ..Answer::default()
        },
        Err(refusal) => Answer {
            decision: "deny",
            sqlstate: Some(refusal.sqlstate.to_string()),
            rule: refusal.rule,
            message: Some(refusal.message),
            detail: refusal.detail,
            hint: refusal.hint,
            position: refusal.position,
            ..Answer::default()
        },
    }
}

fn unreadable(number: u64, error: &serde_json::Error) -> Answer {
    Answer {
        decision: "error",
        message: Some(format!("line {number} is no object with the key `sql`: {error}")),
        hint: Some("write one object a line, as in {\"sql\": \"SELECT 1\"}".to_owned()),
        ..Answer::default()
    }
}
