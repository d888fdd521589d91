//! What a statement that writes has locked, compared with what it may write, read, and look for keys in.
//!
//! Parse locks the target for writing and all else for reading. Foreign keys lock what they check and what they pass
//! changes on to; that is known from the system catalogs before. Triggers, and functions in defaults and constraints, belong to
//! the tables' owners and lock what they lock: where any runs, only the session is held against what it was.

use std::sync::Arc;

use tokio_postgres::{Client, Error};

use super::effects::{Effects, RowEvent};
use crate::catalog::{Catalog, RelationKind};
use crate::db::identity::Users;
use crate::pg::{Diagnostic, Oid, SqlState};
use crate::sql::CheckedWrite;

const OWN: &str = include_str!("own_locks.sql");
/// Under it a row that changed meanwhile is an error (40001) and never passed over.
const ISOLATION: &str = "repeatable read";

/// What our backend holds, and what it is at the moment.
pub(super) struct Held {
    reading: Vec<u32>,
    keys: Vec<u32>,
    writing: Vec<u32>,
    /// Any other lock, but for the transaction's own.
    beyond: bool,
    current_user: String,
    session_user: String,
    standard_strings: bool,
    isolation: String,
}

/// What may be locked, each list sorted.
#[derive(Clone)]
pub(super) struct Bounds {
    catalog: Arc<Catalog>,
    reading: Vec<Oid>,
    keys: Vec<Oid>,
    writing: Vec<Oid>,
    any_reading: bool,
    /// Nothing can be said.
    open: bool,
}

/// The request leaves on the first poll.
pub(super) async fn own(client: &Client) -> Result<Held, Error> {
    let row = client.query_typed_one(OWN, &[]).await?;
    Ok(Held {
        reading: row.try_get(0)?,
        keys: row.try_get(1)?,
        writing: row.try_get(2)?,
        beyond: row.try_get(3)?,
        current_user: row.try_get(4)?,
        session_user: row.try_get(5)?,
        standard_strings: row.try_get(6)?,
        isolation: row.try_get(7)?,
    })
}

/// Partitions and children that the checked catalog does not have were not checked.
pub(super) fn known(write: &CheckedWrite, effects: &Effects, catalog: &Catalog) -> Result<(), Diagnostic> {
    let checked = catalog.stored(&[write.target_oid()]);
    if effects.own().all(|oid| checked.binary_search(&oid).is_ok()) {
        return Ok(());
    }
    Err(beyond_checked())
}

impl Bounds {
    /// Before anything has run.
    pub(super) fn parsed(write: &CheckedWrite, catalog: &Arc<Catalog>) -> Self {
        let (reading, writing) = (write.reach().to_vec(), vec![write.target_oid()]);
        let catalog = Arc::clone(catalog);
        Self { catalog, reading, keys: Vec::new(), writing, any_reading: false, open: false }
    }

    /// After the statement has run.
    pub(super) fn ran(
        write: &CheckedWrite,
        effects: &Effects,
        events: &[RowEvent],
        catalog: &Arc<Catalog>,
    ) -> Self {
        let writing = catalog.stored(&effects.written(events));
        let keys = catalog.stored(effects.linked());
        let mut reading = [write.reach(), &writing, &keys].concat();
        reading.sort_unstable();
        let (any_reading, open) = (write.runs_user_code(), effects.runs_owners_code(events));
        let catalog = Arc::clone(catalog);
        Self { catalog, reading, keys, writing, any_reading, open }
    }

    /// The same for a query in the same transaction.
    pub(super) fn reading_too(&self, reach: &[Oid], any: bool) -> Self {
        let mut bounds = self.clone();
        bounds.reading.extend(reach);
        bounds.reading.sort_unstable();
        bounds.any_reading |= any;
        bounds
    }

    fn may_write(&self, oid: Oid) -> bool {
        let is_sequence =
            || self.catalog.relation_by_oid(oid).is_some_and(|found| found.kind == RelationKind::Sequence);
        // What a default takes the next value of is locked like this.
        self.writing.binary_search(&oid).is_ok() || is_sequence()
    }
}

impl Held {
    /// The transaction is still ours, and holds nothing beyond `bounds`.
    pub(super) fn check(&self, users: &Users, bounds: &Bounds) -> Result<(), Diagnostic> {
        let ours = self.current_user == users.current && self.session_user == users.session;
        if !ours || !self.standard_strings || self.isolation != ISOLATION {
            return Err(refusal(
                "the session is not as it was set up: it must act as its login, or as the role it took",
            )
            .rule("server.session"));
        }
        if bounds.open {
            return Ok(());
        }
        let may_read = |oid: Oid| bounds.any_reading || bounds.reading.binary_search(&oid).is_ok();
        let may_look = |oid: Oid| bounds.keys.binary_search(&oid).is_ok() || bounds.may_write(oid);
        let strangers = [
            strangers(&self.reading, |oid| may_read(oid) || may_look(oid)),
            strangers(&self.keys, may_look),
            strangers(&self.writing, |oid| bounds.may_write(oid)),
        ]
        .concat();
        if strangers.is_empty() && !self.beyond {
            return Ok(());
        }
        // The alarm names what the caller must not learn.
        tracing::error!(
            target: "pgwarden::alarm",
            relations = strangers.join(","),
            beyond = self.beyond,
            "a statement that writes reached more than was checked: it was rolled back"
        );
        Err(beyond_checked())
    }
}

fn beyond_checked() -> Diagnostic {
    refusal("the statement reaches more than was checked: nothing was changed").rule("server.locks").hint(
        "if a table, rule or policy was changed just now, try again; else ask the DBA to look at the log",
    )
}

fn strangers(locked: &[u32], allowed: impl Fn(Oid) -> bool) -> Vec<String> {
    locked.iter().filter(|oid| !allowed(Oid(**oid))).map(ToString::to_string).collect()
}

fn refusal(message: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
}
