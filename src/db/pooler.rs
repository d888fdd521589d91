//! A pooler that lends server connections for a transaction (PgBouncer and its kin): what is between two transactions of
//! ours is somebody else's session.
//!
//! So everything stays within one transaction, and nothing is reset behind it. Whatever may have left something in the
//! session ends by hanging up while its transaction is open: then the pooler closes the server connection too.

use std::borrow::Cow;

use tokio_postgres::error::SqlState as Code;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Statement};

use super::envelope::Begun;
use super::error;
use super::link::Link;
use crate::pg::{Diagnostic, SqlState};

/// Who answers: the backend, and the login that it was given.
const ANSWERS: &str = include_str!("pooler/answers.sql");
/// What the driver has prepared in this transaction.
const PREPARED: &str = include_str!("pooler/prepared.sql");

/// For `doctor`.
pub(super) const SEEN: &str = "a pooler in transaction mode stands between (PgBouncer or its kin): every statement runs in one \
    transaction, changes of the schema are polled for, and the store of pgwarden's own needs another connection";

/// What stands between us and PostgreSQL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Pooler {
    /// Found out of every connection: a pooler announces a process id that is not the backend's.
    #[default]
    Auto,
    /// Nothing, or a pooler that lends a server connection for a whole session.
    None,
    /// A pooler that lends server connections for a transaction.
    Transaction,
}

/// Asks who is at the other end of a new connection. Without an answer the connection is of no use.
pub(super) async fn meet(link: &mut Link, pooler: Pooler, announced: Option<i32>) -> Result<(), Diagnostic> {
    let answered = link.client().query_typed_one(ANSWERS, &[]).await;
    let row = answered.map_err(|failed| behind(error::diagnostic(&failed)))?;
    let read = |failed: Error| error::diagnostic(&failed);
    let backend: i32 = row.try_get(0).map_err(read)?;
    let pooled = match pooler {
        Pooler::Auto => announced.is_some_and(|announced| announced != backend),
        Pooler::None => false,
        Pooler::Transaction => true,
    };
    link.met(pooled, row.try_get(1).map_err(read)?);
    Ok(())
}

/// Whoever let us in is not who refuses: it says nothing of our password.
fn behind(refused: Diagnostic) -> Diagnostic {
    match refused.sqlstate.class() {
        "28" => Diagnostic::connection(SqlState::CONNECTION_FAILURE, refused.message),
        _ => refused,
    }
}

/// For types that it does not know the driver prepares statements that it keeps.
pub(super) fn leaves_statements(link: &Link, statement: &Statement) -> bool {
    let params = statement.params().iter().map(Type::oid);
    let mut types = params.chain(statement.columns().iter().map(|column| column.type_().oid()));
    link.is_pooled() && types.any(|oid| Type::from_oid(oid).is_none())
}

/// The next server connection would not have them. A pooler that keeps them itself shows other names here: then all is well.
/// Else they are dropped, within this transaction, and so is the connection, when it comes back.
pub(super) async fn tidy(link: &Link, statement: &Statement) -> Result<(), Error> {
    if !leaves_statements(link, statement) {
        return Ok(());
    }
    let rows = link.client().query_typed(PREPARED, &[]).await?;
    let names = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<&str>, Error>>()?;
    if names.is_empty() {
        return Ok(());
    }
    link.spend();
    // Of `s` and digits, as the pattern has it.
    let drops: String = names.iter().map(|name| format!("DEALLOCATE {name};")).collect();
    link.client().batch_execute(&drops).await
}

/// As [`tidy`], behind the beginning of a transaction.
pub(super) async fn tidied(link: &Link, begun: Begun) -> Result<Begun, Error> {
    tidy(link, &begun.statement).await?;
    Ok(begun)
}

/// What another client left in the server connection stands in the way: a statement of the same name, one that is gone, or
/// one of the same text that was prepared before a table changed. Nothing has run.
pub(super) fn is_stale(link: &Link, failed: &Error) -> bool {
    let Some(db) = failed.as_db_error().filter(|_| link.is_pooled()) else { return false };
    match *db.code() {
        Code::DUPLICATE_PSTATEMENT | Code::INVALID_SQL_STATEMENT_NAME => true,
        Code::FEATURE_NOT_SUPPORTED => db.message().starts_with("cached plan"),
        _ => false,
    }
}

/// `text` as no pooler has it kept, from the second attempt on: with a comment of our own digits behind it.
pub(super) fn anew(text: &str, attempt: usize) -> Cow<'_, str> {
    if attempt == 1 {
        return Cow::Borrowed(text);
    }
    let mut digits = [0; 8];
    // Without random numbers it is the attempt's, which serves most.
    let _ = getrandom::fill(&mut digits);
    Cow::Owned(format!("{text} /* {attempt} {:016x} */", u64::from_be_bytes(digits)))
}

/// Needs a session of its own, where there is none.
pub(super) fn no_session(what: &str) -> Diagnostic {
    let message = format!(
        "{what} needs a session, and the connection goes through a pooler that lends server connections for a transaction"
    );
    Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, message)
        .rule("pooler.session")
        .hint("connect to PostgreSQL itself, or to a pooler in session mode with `pooler = \"none\"`")
}

/// Until 1.20 PgBouncer has one SQLSTATE for all that it refuses itself.
pub(super) fn as_postgresql_says_it(refused: Diagnostic) -> Diagnostic {
    let of_login = ["password authentication failed", "SASL authentication failed", "no such user"];
    match refused.sqlstate.as_str() == "08P01"
        && of_login.iter().any(|words| refused.message.starts_with(words))
    {
        true => Diagnostic { sqlstate: SqlState::INVALID_AUTHORIZATION, retryable: false, ..refused },
        false => refused,
    }
}

/// For a start-up parameter that poolers do not pass on.
pub(super) fn parameter_hint(message: &str) -> Option<&'static str> {
    message.starts_with("unsupported startup parameter").then_some(
        "leave `options` out of the connection string, or let PgBouncer pass over it: `ignore_startup_parameters`",
    )
}
