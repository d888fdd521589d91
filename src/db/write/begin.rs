//! The beginning of a transaction that writes: its settings, Parse of the checked text, and what that has locked.

use futures_util::future::join5;
use tokio::time::Instant;
use tokio_postgres::{Error, Statement};

use super::counts::{self, Counts};
use super::locks::{self, Held};
use super::{Writing, failure};
use crate::db::envelope::Envelope;
use crate::db::lease::Lease;
use crate::db::link::Link;
use crate::db::{Progress, error, pooler};
use crate::pg::{Diagnostic, Oid};
use crate::sql::ResultColumn;

/// A row that changed since the snapshot is an error under it (40001), and never passed over.
const WRITING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE";
/// For a plan: EXPLAIN without ANALYZE runs nothing, and so may be asked for here.
const PLANNING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Connections that may turn out to be dead before one is found that lives.
const ATTEMPTS: usize = 3;

/// What a transaction may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    Write,
    Plan,
}

/// A statement that is parsed and has not run.
pub(super) struct Begun {
    pub statement: Statement,
    pub held: Held,
    pub counts: Counts,
}

impl Begun {
    pub(super) fn columns(&self) -> Vec<ResultColumn> {
        let columns = self.statement.columns().iter();
        let column = |column: &tokio_postgres::Column| ResultColumn {
            name: column.name().to_owned(),
            type_oid: Oid(column.type_().oid()),
            type_modifier: column.type_modifier(),
        };
        columns.map(column).collect()
    }
}

impl Writing<'_> {
    /// Leases a connection and parses on it. Nothing runs here, so a dead connection costs only another try.
    pub(super) async fn begin(&self, access: Access) -> Result<(Lease, Begun), Diagnostic> {
        let mut attempt = 1;
        loop {
            let remaining = self.ends.saturating_duration_since(Instant::now());
            let mut lease = self.database.pool().lease(remaining).await?;
            let schemas = self.write.operator_schemas();
            let mut envelope =
                Envelope::new(self.database.settings(), self.known.abilities, schemas, remaining);
            envelope.set_all(self.write.settings());
            let Some(link) = lease.link() else { return Err(error::lost()) };
            match self.parsed(link, access, &envelope, attempt).await {
                Ok(begun) => return Ok((lease, begun)),
                Err(gone)
                    if attempt < ATTEMPTS && (error::is_gone(&gone) || pooler::is_stale(link, &gone)) =>
                {
                    attempt += 1;
                    drop(lease);
                    self.database.pool().sweep();
                }
                Err(failed) => return Err(failure::not_begun(&failed, self.write)),
            }
        }
    }

    async fn parsed(
        &self,
        link: &Link,
        access: Access,
        envelope: &Envelope,
        attempt: usize,
    ) -> Result<Begun, Error> {
        let (client, text) = (link.client(), pooler::anew(self.write.text(), attempt));
        let begin = match access {
            Access::Write => WRITING,
            Access::Plan => PLANNING,
        };
        let (progress, stored) = (Progress::default(), self.stored());
        let (begun, set, statement, held, counts) = join5(
            client.batch_execute(begin),
            envelope.apply(client, &progress),
            client.prepare(&text),
            locks::own(client),
            counts::of(client, &stored),
        )
        .await;
        begun?;
        set?;
        let begun = Begun { statement: statement?, held: held?, counts: counts? };
        pooler::tidy(link, &begun.statement).await?;
        Ok(begun)
    }
}
