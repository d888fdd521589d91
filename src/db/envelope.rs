//! The transaction around a statement: read-only, with the settings that make its meaning and its answer fixed.
//!
//! One round trip: BEGIN, the settings (a query, so that the snapshot is taken and READ ONLY can no longer be
//! undone), Parse of the checked text, and the locks that Parse took.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::future::join4;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Statement};

use super::locks::{self, Locks, Session};
use super::{DatabaseSettings, Progress};
use crate::pg::quote_ident;

pub(super) const BEGIN: &str = "BEGIN READ ONLY";
const SETTINGS: &str = include_str!("settings.sql");
/// PostgreSQL ends an abandoned transaction this much later than our own deadline.
const ABANDONED: Duration = Duration::from_secs(10);

/// Settings by name, as SET LOCAL takes them.
pub(super) struct Envelope {
    names: Vec<Cow<'static, str>>,
    values: Vec<String>,
}

/// What the server can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Abilities {
    pub version: u32,
    /// `client_connection_check_interval` works on the server's operating system.
    pub connection_check: bool,
}

/// A statement that is parsed and has not run.
pub(super) struct Begun {
    pub statement: Statement,
    pub locks: Locks,
    pub session: Session,
}

impl Envelope {
    /// `remaining` is what is left of the caller's time.
    pub fn new(
        settings: &DatabaseSettings,
        abilities: Abilities,
        operator_schemas: &[String],
        remaining: Duration,
    ) -> Self {
        let mut envelope = Self { names: Vec::with_capacity(20), values: Vec::with_capacity(20) };
        // Before all others: from here on it is the role that parses and locks.
        if let Some(role) = settings.identity.role() {
            envelope.set("role", role.to_owned());
        }
        let timeout = milliseconds(remaining);
        envelope.set("search_path", search_path(operator_schemas));
        envelope.set("statement_timeout", timeout.clone());
        envelope.set("lock_timeout", milliseconds(settings.lock_timeout.min(remaining)));
        let abandoned = milliseconds(remaining.saturating_add(ABANDONED));
        if abilities.version >= 170_000 {
            envelope.set("transaction_timeout", abandoned.clone());
        }
        envelope.set("idle_in_transaction_session_timeout", abandoned);
        if abilities.connection_check {
            envelope.set("client_connection_check_interval", "1000".to_owned());
        }
        if let Some(time_zone) = &settings.time_zone {
            envelope.set("TimeZone", time_zone.clone());
        }
        for (name, value) in FIXED {
            envelope.set(name, (*value).to_owned());
        }
        envelope
    }

    fn set(&mut self, name: &'static str, value: String) {
        self.names.push(Cow::Borrowed(name));
        self.values.push(value);
    }

    /// Settings of a statement's own.
    pub fn set_all(&mut self, settings: &[(String, String)]) {
        for (name, value) in settings {
            self.names.push(Cow::Owned(name.clone()));
            self.values.push(value.clone());
        }
    }

    /// INVARIANT: `text` is that of a `Checked`.
    pub async fn begin(&self, client: &Client, text: &str, progress: &Progress) -> Result<Begun, Error> {
        let (begun, set, statement, locks) = join4(
            client.batch_execute(BEGIN),
            self.apply(client, progress),
            client.prepare(text),
            locks::own(client),
        )
        .await;
        begun?;
        set?;
        let statement = statement?;
        let (locks, session) = locks?;
        Ok(Begun { statement, locks, session })
    }

    /// Its answer comes before Parse waits for a lock: from here on it is known which backend does. Tells what the session
    /// is with all of them set.
    pub async fn apply(&self, client: &Client, progress: &Progress) -> Result<Session, Error> {
        let given: [(&(dyn ToSql + Sync), Type); 2] =
            [(&self.names, Type::TEXT_ARRAY), (&self.values, Type::TEXT_ARRAY)];
        let row = client.query_typed_one(SETTINGS, &given).await?;
        progress.runs_on(row.try_get(1)?);
        Session::of(&row, 2)
    }
}

const FIXED: &[(&str, &str)] = &[
    ("standard_conforming_strings", "on"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "postgres"),
    ("extra_float_digits", "1"),
    ("bytea_output", "hex"),
    ("xmlbinary", "base64"),
    ("row_security", "on"),
    ("transform_null_equals", "off"),
    ("array_nulls", "on"),
    ("quote_all_identifiers", "off"),
    ("client_min_messages", "notice"),
    // It pays off for long statements only, and a cancel waits for the compiler.
    ("jit", "off"),
];

/// `pg_temp` last: left out, it would be searched first.
fn search_path(operator_schemas: &[String]) -> String {
    let mut path = vec!["pg_catalog".to_owned()];
    path.extend(operator_schemas.iter().map(|schema| quote_ident(schema)));
    path.push("pg_temp".to_owned());
    path.join(", ")
}

/// At least 1: zero means no limit.
fn milliseconds(duration: Duration) -> String {
    duration.as_millis().clamp(1, i32::MAX.unsigned_abs().into()).to_string()
}
