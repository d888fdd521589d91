//! Spans while they last.

use std::time::{Instant, SystemTime};

use super::context::{Context, Parent};
use super::random_u64;
use crate::pg::SqlState;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Server,
    Client,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Text(String),
    Number(u64),
}

/// One of the server's, or one of a client that PostgreSQL has.
#[derive(Debug)]
pub struct Span {
    pub(super) context: Context,
    pub(super) parent: Option<u64>,
    pub(super) state: Option<String>,
    pub(super) link: Option<Parent>,
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) failed: bool,
    pub(super) began: SystemTime,
    pub(super) ended: SystemTime,
    pub(super) since: Instant,
}

impl Span {
    pub(super) fn new(context: Context, now: SystemTime) -> Self {
        Self {
            context,
            parent: None,
            state: None,
            link: None,
            kind: Kind::Client,
            name: String::new(),
            attributes: Vec::new(),
            failed: false,
            began: now,
            ended: now,
            since: Instant::now(),
        }
    }

    pub fn named(&mut self, name: String) {
        self.name = name;
    }

    pub fn text(&mut self, key: &'static str, value: impl Into<String>) {
        self.attributes.push((key, Value::Text(value.into())));
    }

    pub fn number(&mut self, key: &'static str, value: u64) {
        self.attributes.push((key, Value::Number(value)));
    }

    /// The span's status is an error of that type.
    pub fn failed(&mut self, kind: &str) {
        self.failed = true;
        self.text("error.type", kind);
    }

    /// By a clock that nobody sets back.
    pub(super) fn end(mut self) {
        self.ended = self.began + self.since.elapsed();
        if let Some(queue) = self.context.queue.clone() {
            queue.push(self);
        }
    }
}

/// One statement, from the lease of its connection to its last row. Dropped before its end, it was cancelled.
#[derive(Debug)]
pub struct DatabaseSpan(Option<Span>);

impl DatabaseSpan {
    /// Below the call that runs now. `relations` are those that the caller may see.
    pub fn begin(
        database: &str,
        operation: &str,
        relations: impl IntoIterator<Item = impl ToString>,
    ) -> (Self, Option<Context>) {
        let Some(call) = Context::current() else { return (Self(None), None) };
        let below = call.below(random_u64());
        if below.queue.is_none() {
            return (Self(None), Some(below));
        }
        let mut summary = operation.to_owned();
        for relation in relations.into_iter().take(RELATIONS) {
            summary.push(' ');
            summary.push_str(&relation.to_string());
        }
        let mut span = Span { parent: Some(call.span), ..Span::new(below.clone(), SystemTime::now()) };
        span.text("db.system.name", "postgresql");
        span.text("db.namespace", database);
        span.text("db.operation.name", operation);
        span.text("db.query.summary", summary.clone());
        span.named(summary);
        (Self(Some(span)), Some(below))
    }

    /// It ended with so many rows, or with an error.
    pub fn end(mut self, ended: Result<u64, SqlState>) {
        self.finish(ended);
    }

    fn finish(&mut self, ended: Result<u64, SqlState>) {
        let Some(mut span) = self.0.take() else { return };
        match ended {
            Ok(rows) => span.number("db.response.returned_rows", rows),
            Err(sqlstate) => {
                span.text("db.response.status_code", sqlstate.as_str());
                span.failed(sqlstate.as_str());
            }
        }
        span.end();
    }
}

impl Drop for DatabaseSpan {
    fn drop(&mut self) {
        self.finish(Err(SqlState::QUERY_CANCELED));
    }
}

/// Relations that a summary names.
const RELATIONS: usize = 8;
