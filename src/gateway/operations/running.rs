//! What runs in this process at the moment, and how an operator ends it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::text::{Text, Worded};
use crate::audit::Statements;
use crate::auth::Caller;
use crate::pg::{Diagnostic, SqlState};
use crate::telemetry::Statement;

/// A call that begins.
#[derive(Clone, Copy)]
pub(in crate::gateway) struct Doing<'c> {
    pub caller: &'c Caller,
    /// It changes rows.
    pub writes: bool,
    /// As in events.
    pub kind: &'c str,
    pub query_id: &'c str,
    /// `None`: what is done is no one statement.
    pub statement: Option<Statement<'c>>,
}

/// What runs, as an operator sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunningView {
    /// Names it in this process.
    pub number: u64,
    pub issuer: String,
    pub subject: String,
    pub client: Option<String>,
    pub database: String,
    pub kind: String,
    pub writes: bool,
    pub query_id: String,
    pub statement: Worded,
    pub runs_for: Duration,
    /// An operator has cancelled it already.
    pub cancelled: bool,
    /// Its call is over, or never was: it is a task.
    pub is_task: bool,
}

#[derive(Debug, Default)]
pub(in crate::gateway) struct Running {
    book: Mutex<Book>,
}

/// The oldest first.
#[derive(Debug, Default)]
struct Book {
    entries: BTreeMap<u64, Entry>,
    last: u64,
}

#[derive(Debug)]
struct Entry {
    issuer: String,
    subject: String,
    client: Option<String>,
    database: Arc<str>,
    kind: String,
    writes: bool,
    query_id: String,
    statement: Option<Arc<Text>>,
    began: Instant,
    cancelled: CancellationToken,
    suspended: CancellationToken,
}

/// It runs while this lives.
pub(in crate::gateway) struct Entered {
    running: Arc<Running>,
    number: u64,
    cancelled: CancellationToken,
    suspended: CancellationToken,
}

impl Running {
    pub(in crate::gateway) fn enter(
        self: &Arc<Self>,
        database: &Arc<str>,
        doing: &Doing<'_>,
        statements: Option<Statements>,
    ) -> Entered {
        let Doing { caller, writes, kind, query_id, statement } = doing;
        let (cancelled, suspended) = (CancellationToken::new(), CancellationToken::new());
        // Nobody looks where there is no page.
        let statement = statement.zip(statements).map(|(text, statements)| Text::new(&text, statements));
        let entry = Entry {
            issuer: caller.issuer.clone(),
            subject: caller.subject.clone(),
            client: caller.client.clone(),
            database: Arc::clone(database),
            kind: (*kind).to_owned(),
            writes: *writes,
            query_id: (*query_id).to_owned(),
            statement: statement.map(Arc::new),
            began: Instant::now(),
            cancelled: cancelled.clone(),
            suspended: suspended.clone(),
        };
        let mut book = self.book();
        book.last += 1;
        let number = book.last;
        book.entries.insert(number, entry);
        drop(book);
        Entered { running: Arc::clone(self), number, cancelled, suspended }
    }

    /// The oldest, at most `most`, and how many there are. `statements`: what may be shown of them now, which is less where it
    /// was less when they began.
    pub(super) fn views(&self, most: usize, statements: Statements) -> (Vec<RunningView>, usize) {
        let book = self.book();
        let all = book.entries.len();
        let taken: Vec<(RunningView, Option<Arc<Text>>)> =
            book.entries.iter().take(most).map(|(number, entry)| entry.view(*number)).collect();
        // Printing a statement takes time, and calls wait for the book.
        drop(book);
        let worded = |(view, text): (RunningView, Option<Arc<Text>>)| match text {
            Some(text) => RunningView { statement: text.worded_within(statements), ..view },
            None => view,
        };
        (taken.into_iter().map(worded).collect(), all)
    }

    /// Ends it. What it is, or `None` where it has ended.
    pub(super) fn cancel(&self, number: u64) -> Option<RunningView> {
        let book = self.book();
        let entry = book.entries.get(&number)?;
        entry.cancelled.cancel();
        Some(entry.view(number).0)
    }

    pub(super) fn has_stopped(&self, query_id: &str) -> bool {
        let stopped = |entry: &Entry| entry.cancelled.is_cancelled() || entry.suspended.is_cancelled();
        self.book().entries.values().any(|entry| entry.query_id == query_id && stopped(entry))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn view(&self, number: u64) -> (RunningView, Option<Arc<Text>>) {
        let view = RunningView {
            number,
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            client: self.client.clone(),
            database: self.database.to_string(),
            kind: self.kind.clone(),
            writes: self.writes,
            query_id: self.query_id.clone(),
            statement: Worded::Withheld,
            runs_for: self.began.elapsed(),
            cancelled: self.cancelled.is_cancelled(),
            is_task: false,
        };
        (view, self.statement.clone())
    }
}

impl Entered {
    /// Fire it before what runs is stopped for a suspension.
    pub(in crate::gateway) fn suspended(&self) -> CancellationToken {
        self.suspended.clone()
    }

    /// `work`, which `stop` ends: once an operator has cancelled it, it is stopped, waited for, and refused. What has happened
    /// nevertheless, or ended for another reason, is answered as it is.
    pub(in crate::gateway) async fn guard<T>(
        self,
        stop: &CancellationToken,
        work: impl Future<Output = Result<T, Diagnostic>>,
    ) -> Result<T, Diagnostic> {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = self.cancelled.cancelled() => stop.cancel(),
        }
        work.await.map_err(|error| if error.sqlstate == SqlState::QUERY_CANCELED { refusal() } else { error })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.running.book().entries.remove(&self.number);
    }
}

fn refusal() -> Diagnostic {
    let message = "those who operate the server have cancelled this statement";
    Diagnostic::refused(SqlState::QUERY_CANCELED, message)
        .rule("operations.cancelled")
        .hint("do not repeat it as it is: ask for less, or ask them")
}
