//! What is recorded of an event. No row values, no parameters, no secrets; of a statement what the settings say.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::key::hash;
use super::{Settings, Statements};
use crate::pg::SqlState;
use crate::sql::{self, Literals};
use crate::telemetry::trace::Context;
use crate::telemetry::{Authorization, Event, Outcome, Statement, Who};

/// Of a statement's text.
const TEXT_CHARS: usize = 16 * 1024;
/// Of what others name: subjects, clients, causes.
const NAME_CHARS: usize = 500;
/// Of the lists of relations and rules.
const MOST_NAMES: usize = 200;

/// A record before it has its number. What costs time is done by the writer ([`Self::finish`]).
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) time: DateTime<Utc>,
    pub(super) members: Map<String, Value>,
    text: Option<Text>,
}

/// A statement's text, and what becomes of it.
struct Text {
    text: String,
    checked: bool,
    statements: Statements,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Text(..)")
    }
}

impl Draft {
    pub(super) fn new(event: &str) -> Self {
        Self { time: Utc::now(), members: Map::new(), text: None }.with("event", event)
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn started(settings: &Settings) -> Self {
        Self::new("start")
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("databases", settings.databases.clone())
            .with("statements", settings.statements.word())
            .with("keyed", settings.key.is_some())
    }

    pub(super) fn stopped() -> Self {
        Self::new("stop")
    }

    /// `None` for what is only counted: what was asked and what came of it stands in other records.
    pub(super) fn of(event: &Event<'_>, statements: Statements) -> Option<Self> {
        let record = match event {
            Event::Operation { .. } | Event::Stopped { .. } | Event::Truncated(_) | Event::Http { .. } => {
                return None;
            }
            Event::Reload { database, kind, file, fault } => Self::new("reload")
                .maybe("database", Some(*database).filter(|database| !database.is_empty()))
                .with("kind", *kind)
                .with("file", *file)
                .with("outcome", if fault.is_none() { "taken" } else { "refused" })
                .maybe("fault", *fault),
            Event::Decision {
                query_id,
                who,
                database,
                statement,
                kind,
                policy,
                allowed,
                rule,
                sqlstate,
                relations,
                rules,
                took,
            } => Self::new("decision")
                .with("query_id", *query_id)
                .of_whom(who)
                .with("database", *database)
                .with("kind", *kind)
                .with("policy", *policy)
                .with("outcome", if *allowed { "allowed" } else { "refused" })
                .maybe("rule", *rule)
                .failed(sqlstate.as_ref())
                .names("relations", relations)
                .names("rules", rules)
                .took(*took)
                .of_text(statement, statements),
            Event::Write { query_id, who, database, kind, policy, statement, relation, approval } => {
                Self::new("write")
                    .with("query_id", *query_id)
                    .of_whom(who)
                    .with("database", *database)
                    .with("kind", *kind)
                    .with("policy", *policy)
                    .with("relation", *relation)
                    .maybe("approval", *approval)
                    .of_text(statement, statements)
            }
            Event::Run { query_id, who, database, kind, outcome, sqlstate, rows, bytes, truncated, took } => {
                Self::new("run")
                    .with("query_id", *query_id)
                    .of_whom(who)
                    .with("database", *database)
                    .with("kind", *kind)
                    .with("outcome", word(*outcome))
                    .failed(sqlstate.as_ref())
                    .with("rows", *rows)
                    .with("bytes", *bytes)
                    .with("truncated", *truncated)
                    .took(*took)
            }
            Event::Approval { step, approval, who, requester: _, database, policy, relation, rule, by } => {
                Self::new("approval")
                    .with("step", step.word())
                    .with("approval", *approval)
                    .of_whom(who)
                    .with("database", *database)
                    .with("policy", *policy)
                    .with("relation", *relation)
                    .with("rule", *rule)
                    .maybe("by", *by)
            }
            Event::Policy { database, file, before, now, fault } => {
                Self::new("policy").reloaded((database, file), (before, now), *fault)
            }
            Event::SavedQueries { database, file, before, now, fault } => {
                Self::new("saved_queries").reloaded((database, file), (before, now), *fault)
            }
            Event::Authorization(step) => Self::authorized(step),
            Event::Operator { who, action, act, of, reason } => Self::new("operator")
                .of_whom(who)
                .with("action", *action)
                .with("outcome", act.word())
                .maybe("of", Some(*of).filter(|of| !of.is_empty()))
                .maybe("reason", Some(*reason).filter(|reason| !reason.is_empty())),
            Event::Suspension { of, resumed, reason, by, until } => Self::new("suspension")
                .with("of", cut(of, NAME_CHARS))
                .with("outcome", if *resumed { "resumed" } else { "suspended" })
                .with("reason", cut(reason, NAME_CHARS))
                .with("by", cut(by, NAME_CHARS))
                .maybe("until", *until),
        };
        Some(record)
    }

    /// Prints the statement.
    pub(super) fn finish(&mut self) {
        let Some(Text { text, checked, statements }) = self.text.take() else { return };
        let redacted = || sql::reprinted(&text, checked, Literals::Redacted);
        let printed = match statements {
            Statements::None => None,
            Statements::Redacted => redacted().map(|text| ("statement", cut(&text, TEXT_CHARS))),
            Statements::Whole if checked => Some(("statement", cut(&text, TEXT_CHARS))),
            Statements::Whole => {
                sql::reprinted(&text, false, Literals::Kept).map(|text| ("statement", cut(&text, TEXT_CHARS)))
            }
            Statements::Fingerprint => {
                redacted().map(|text| ("statement_sha256", hash(None, text.as_bytes())))
            }
        };
        if let Some((name, value)) = printed {
            self.members.insert(name.to_owned(), value.into());
        }
    }

    pub(super) fn is(&self, event: &str) -> bool {
        self.members.get("event").and_then(Value::as_str) == Some(event)
    }

    /// What it takes in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        const OTHERS: usize = 1_000;
        self.text.as_ref().map_or(0, |text| text.text.len()).saturating_add(OTHERS)
    }

    fn authorized(step: &Authorization<'_>) -> Self {
        let Authorization { step, subject, client_id, address, refused, cause } = step;
        Self::new("authorization")
            .with("step", *step)
            .with("subject", cut(subject, NAME_CHARS))
            .maybe("client_id", *client_id)
            .maybe("address", address.map(|address| address.to_string()).as_deref())
            .with("outcome", if *refused { "refused" } else { "done" })
            .maybe("cause", *cause)
    }

    fn reloaded(
        self,
        (database, file): (&str, &str),
        (before, now): (&str, &str),
        fault: Option<&str>,
    ) -> Self {
        self.with("database", database)
            .with("file", file)
            .with("before", before)
            .with("now", now)
            .with("outcome", if fault.is_none() { "taken" } else { "refused" })
            .maybe("fault", fault)
    }

    fn of_whom(self, who: &Who<'_>) -> Self {
        self.maybe("issuer", Some(who.issuer).filter(|issuer| !issuer.is_empty()))
            .with("subject", cut(who.subject, NAME_CHARS))
            .maybe("client", who.client)
            .maybe("client_id", who.client_id)
            .maybe("token", who.token)
            .maybe("trace", Context::current().map(|context| context.trace_id()).as_deref())
    }

    fn of_text(self, statement: &Statement<'_>, statements: Statements) -> Self {
        let (text, checked) = match statement {
            Statement::Asked(text) => (*text, false),
            Statement::Checked(text) => (*text, true),
            Statement::Absent => return self,
        };
        // Longer ones are refused for their size.
        let worth = statements != Statements::None && (checked || text.len() <= 4 * TEXT_CHARS);
        Self { text: worth.then(|| Text { text: text.to_owned(), checked, statements }), ..self }
    }

    fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, cut(value, NAME_CHARS)),
            None => self,
        }
    }

    fn names(self, name: &str, names: &[String]) -> Self {
        let listed: Vec<String> = names.iter().take(MOST_NAMES).map(|name| cut(name, NAME_CHARS)).collect();
        if listed.is_empty() { self } else { self.with(name, json!(listed)) }
    }

    fn failed(self, sqlstate: Option<&SqlState>) -> Self {
        self.maybe("sqlstate", sqlstate.map(SqlState::as_str))
    }

    fn took(self, took: Duration) -> Self {
        self.with("duration_us", u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Failed => "failed",
        Outcome::Canceled => "canceled",
        Outcome::Unknown => "unknown",
    }
}

/// The first characters, with a mark where there were more.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}..", text.get(..at).unwrap_or_default()),
    }
}
