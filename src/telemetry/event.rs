//! The events of the query path, one per decision and one per run; one per step of an approval; one per policy or file
//! of saved queries that was read again; and those that are only counted.

use std::time::Duration;

use tracing::{error, info, warn};

use super::{Authorization, Statement, Who};
use crate::pg::SqlState;

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Completed,
    Failed,
    Canceled,
    /// A write's connection was lost while it was committed.
    Unknown,
}

impl Outcome {
    /// Of a run that ended without an error, or with this one.
    pub fn of(sqlstate: Option<SqlState>) -> Self {
        match sqlstate {
            None => Self::Completed,
            Some(SqlState::QUERY_CANCELED) => Self::Canceled,
            Some(SqlState::TRANSACTION_RESOLUTION_UNKNOWN) => Self::Unknown,
            Some(_) => Self::Failed,
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    Result,
    /// A tool's result with `isError`.
    ToolError,
    /// It goes on as a task.
    Task,
    /// The client is asked for something first.
    InputRequired,
    /// A JSON-RPC error.
    Error,
    /// Nobody waited for it any more.
    Dropped,
}

impl Answer {
    pub fn word(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::ToolError => "tool_error",
            Self::Task => "task",
            Self::InputRequired => "input_required",
            Self::Error => "error",
            Self::Dropped => "dropped",
        }
    }
}

/// How far an operator's act is. What opens again is announced first; whatever else is told of once it is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    Announced,
    Done,
    Refused,
}

impl Act {
    pub fn word(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// What ended a statement before its own end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    ByCaller,
    /// They cancelled it, or suspended its caller.
    ByOperator,
    /// Somebody in PostgreSQL.
    ByServer,
    AtDeadline,
}

/// What an answer was cut by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    Rows,
    Characters,
    FieldCharacters,
    /// What is kept for reading on.
    Stored,
}

impl Limit {
    pub fn word(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Characters => "characters",
            Self::FieldCharacters => "field_characters",
            Self::Stored => "stored",
        }
    }
}

/// What became of an approval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ApprovalStep {
    Asked,
    /// By one person; another one may have to as well.
    Approved,
    Refused,
    Expired,
    Used,
}

impl ApprovalStep {
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Used => "used",
        }
    }
}

/// Everything here may be logged, but for a [`Statement`]: no row values, no parameters, no secrets.
#[derive(Debug)]
pub enum Event<'a> {
    /// A statement was checked; or a tool that needs none was asked, and has answered.
    Decision {
        query_id: &'a str,
        who: Who<'a>,
        database: &'a str,
        statement: Statement<'a>,
        /// `query`, `explain`, the tool's name, or the word of a statement that writes.
        kind: &'a str,
        policy: &'a str,
        allowed: bool,
        rule: Option<&'a str>,
        sqlstate: Option<SqlState>,
        relations: &'a [String],
        /// Every rule that took part in allowing it.
        rules: &'a [String],
        took: Duration,
    },
    /// An allowed statement that writes is about to run.
    Write {
        query_id: &'a str,
        who: Who<'a>,
        database: &'a str,
        /// As in [`Self::Decision`].
        kind: &'a str,
        policy: &'a str,
        statement: Statement<'a>,
        relation: &'a str,
        /// The approval that it has.
        approval: Option<&'a str>,
    },
    /// An allowed statement ended.
    Run {
        query_id: &'a str,
        who: Who<'a>,
        database: &'a str,
        /// As in [`Self::Decision`].
        kind: &'a str,
        outcome: Outcome,
        sqlstate: Option<SqlState>,
        rows: u64,
        bytes: u64,
        truncated: bool,
        took: Duration,
    },
    /// A write waits for a person's word, or got it.
    Approval {
        step: ApprovalStep,
        approval: &'a str,
        who: Who<'a>,
        /// Who asked, as readers are shown it.
        requester: &'a str,
        database: &'a str,
        policy: &'a str,
        relation: &'a str,
        /// Who has to approve.
        rule: &'a str,
        /// Who decided; of one that is used, all who approved.
        by: Option<&'a str>,
    },
    /// A policy's file was read again.
    Policy {
        database: &'a str,
        file: &'a str,
        before: &'a str,
        /// The version in use from here on.
        now: &'a str,
        /// Why the file was not taken.
        fault: Option<&'a str>,
    },
    /// A file of saved queries was read again.
    SavedQueries {
        database: &'a str,
        file: &'a str,
        before: &'a str,
        /// The version in use from here on.
        now: &'a str,
        /// Why the file was not taken.
        fault: Option<&'a str>,
    },
    /// The authorization server took a step, or refused one.
    Authorization(Authorization<'a>),
    /// A caller, a policy, writes or all calls were suspended, or resumed.
    Suspension {
        of: &'a str,
        resumed: bool,
        reason: &'a str,
        /// Who suspended it.
        by: &'a str,
        until: Option<&'a str>,
    },
    /// Somebody who operates the server did something at the operations page.
    Operator {
        who: Who<'a>,
        /// `login`, `cancel`, `suspend`, `resume`.
        action: &'static str,
        act: Act,
        /// What it was done to; empty for a login.
        of: &'a str,
        /// Empty where none was given.
        reason: &'a str,
    },
    /// A request was answered.
    Operation {
        /// `other` for a method that there is not.
        method: &'static str,
        /// `saved` for a saved query, `other` for a tool that there is not, empty where it is none.
        tool: &'a str,
        answer: Answer,
        sqlstate: Option<&'a str>,
        took: Duration,
    },
    /// An allowed statement did not come to its own end.
    Stopped { database: &'a str, how: Stopped },
    /// An answer was cut.
    Truncated(Limit),
    /// An HTTP request was answered. `route` is one of a few.
    Http { route: &'static str, status: u16 },
    /// The configuration, notes or a certificate were read again; what they are of is empty where it is no database.
    Reload {
        database: &'a str,
        kind: &'static str,
        file: &'a str,
        /// Why it was not taken.
        fault: Option<&'a str>,
    },
}

impl Event<'_> {
    pub(super) fn log(&self) {
        match self {
            // The log tells of them in other words, or would drown in them.
            Self::Operation { .. } | Self::Stopped { .. } | Self::Truncated(_) | Self::Http { .. } => {}
            Self::Reload { database, kind, file, fault: None } => {
                info!(
                    target: "pgwarden::reload",
                    database = *database, kind = *kind, file = *file, "{kind} taken: {file}"
                );
            }
            Self::Reload { database, kind, file, fault: Some(fault) } => {
                error!(
                    target: "pgwarden::reload",
                    database = *database, kind = *kind, file = *file, fault = *fault,
                    "{kind} not taken, what was before stays: {fault}"
                );
            }
            Self::Authorization(step) => step.log(),
            Self::Suspension { of, resumed: true, .. } => {
                warn!(target: "pgwarden::suspension", of = *of, "resumed: {of}");
            }
            Self::Suspension { of, resumed: false, reason, by, until } => {
                warn!(
                    target: "pgwarden::suspension",
                    of = *of, reason = *reason, by = *by, until = *until, "suspended: {of}"
                );
            }
            // What came of it is told.
            Self::Operator { act: Act::Announced, .. } => {}
            Self::Operator { who, action, act, of, reason } => {
                warn!(
                    target: "pgwarden::operations",
                    subject = who.subject, action = *action, of = *of, reason = *reason,
                    "operator: {action} {of}{}", if *act == Act::Refused { ": refused" } else { "" }
                );
            }
            Self::Decision {
                query_id,
                who: Who { subject, client, .. },
                database,
                kind,
                policy,
                allowed: true,
                relations,
                rules,
                took,
                ..
            } => {
                info!(
                    target: "pgwarden::decision",
                    query_id = *query_id, subject = *subject, client = *client, database = *database, kind = *kind, policy = *policy, decision = "allow",
                    relations = relations.join(","), rules = rules.join(","), duration_us = micros(took),
                    "{kind} on `{database}` allowed"
                );
            }
            Self::Decision {
                query_id,
                who: Who { subject, client, .. },
                database,
                kind,
                policy,
                rule,
                sqlstate,
                took,
                ..
            } => {
                warn!(
                    target: "pgwarden::decision",
                    query_id = *query_id, subject = *subject, client = *client, database = *database, kind = *kind, policy = *policy, decision = "deny", rule = *rule,
                    sqlstate = sqlstate.as_ref().map(SqlState::as_str), duration_us = micros(took),
                    "{kind} on `{database}` refused"
                );
            }
            // Its end is told.
            Self::Write { .. } => {}
            Self::Run {
                query_id,
                who: Who { subject, .. },
                database,
                kind,
                outcome,
                sqlstate,
                rows,
                bytes,
                truncated,
                took,
            } => {
                info!(
                    target: "pgwarden::run",
                    query_id = *query_id, subject = *subject, database = *database, kind = *kind, outcome = ?outcome,
                    sqlstate = sqlstate.as_ref().map(SqlState::as_str), rows = *rows, bytes = *bytes, truncated = *truncated,
                    duration_us = micros(took), "{kind} on `{database}` ended"
                );
            }
            Self::Approval { step, approval, who, requester, database, policy, relation, rule, by } => {
                info!(
                    target: "pgwarden::approval",
                    step = step.word(), approval = *approval, subject = *requester, client = who.client, database = *database,
                    policy = *policy, relation = *relation, rule = *rule, by = *by,
                    "approval of a write on `{database}`: {}", step.word()
                );
            }
            Self::Policy { database, file, before, now, fault: None } => {
                info!(
                    target: "pgwarden::policy",
                    database = *database, file = *file, before = *before, policy = *now,
                    "policy of `{database}` taken: {before} became {now}"
                );
            }
            Self::Policy { database, file, before: _, now, fault: Some(fault) } => {
                error!(
                    target: "pgwarden::policy",
                    database = *database, file = *file, policy = *now, fault = *fault,
                    "policy of `{database}` not taken, {now} stays: {fault}"
                );
            }
            Self::SavedQueries { database, file, before, now, fault: None } => {
                info!(
                    target: "pgwarden::saved",
                    database = *database, file = *file, before = *before, version = *now,
                    "saved queries of `{database}` taken: {before} became {now}"
                );
            }
            Self::SavedQueries { database, file, before: _, now, fault: Some(fault) } => {
                error!(
                    target: "pgwarden::saved",
                    database = *database, file = *file, version = *now, fault = *fault,
                    "saved queries of `{database}` not taken, {now} stay: {fault}"
                );
            }
        }
    }
}

fn micros(took: &Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}
