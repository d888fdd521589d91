//! One database with its policies, and the bounds of a call.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::identities::Identities;
use super::operations::Operations;
use super::query::Statements;
use super::resources::LastPages;
use super::share::Shares;
use super::suspended::Barrier;
use super::visible::Visible;
use super::{Documents, Notes, NotesError, NotesSource, Pinned, Policies, SavedSource};
use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::db::Database;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::Policy;
use crate::store::suspensions::Suspensions;

/// A database and what callers may do in it. `database` is what the configured login sees; [`Self::seen_by`] gives what a
/// caller does.
#[derive(Clone, Debug)]
pub struct Served {
    pub database: Arc<Database>,
    pub policies: Policies,
    pub notes: Arc<NotesSource>,
    pub(super) shares: Arc<Shares>,
    pub(super) statements: Arc<Statements>,
    pub(super) identities: Arc<Identities>,
    pub(super) saved: Option<Arc<SavedSource>>,
    pub(super) pages: Arc<LastPages>,
    pub(super) documents: Arc<[Documents]>,
}

/// What one call shows of the schema, and within which bounds.
pub(super) struct Schema<'s> {
    pub pinned: Pinned<'s>,
    /// As the caller sees it.
    pub seen: Served,
    pub catalog: Arc<Catalog>,
    pub notes: Arc<Notes>,
    pub limits: CallLimits,
}

impl Schema<'_> {
    pub fn visible(&self) -> Visible<'_> {
        Visible::new(&self.catalog, self.pinned.policy()).noted(&self.notes)
    }
}

/// The bounds of one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallLimits {
    /// Rows of an answer at the most; also what a call without `limit` gets.
    pub rows: u64,
    /// Characters of a reply.
    pub characters: usize,
    /// Characters of one field.
    pub field_characters: usize,
    /// From the question to its last row, also where that outlives the call.
    pub deadline: Duration,
}

impl CallLimits {
    /// The smaller of these and the policy's own.
    pub(super) fn within(&self, policy: &Policy) -> Self {
        let Some(limits) = policy.limits() else { return self.clone() };
        Self {
            rows: self.rows.min(limits.rows),
            characters: self.characters.min(limits.characters),
            field_characters: self.field_characters,
            deadline: self.deadline.min(Duration::from_secs(limits.seconds)),
        }
    }
}

impl Served {
    pub fn new(database: Arc<Database>, policies: impl Into<Policies>) -> Self {
        let shares = Arc::new(Shares::of_pool(database.settings().pool_size));
        let (policies, notes, pages) = (policies.into(), Arc::default(), Arc::default());
        Self {
            database,
            policies,
            notes,
            shares,
            statements: Arc::default(),
            identities: Arc::default(),
            saved: None,
            pages,
            documents: Arc::default(),
        }
    }

    pub(super) fn behind(self, suspensions: &Arc<Suspensions>, operations: &Arc<Operations>) -> Self {
        let barrier = Barrier::new(self.name(), suspensions, operations);
        Self { policies: self.policies.clone().behind(barrier), ..self }
    }

    pub fn with_notes(self, notes: NotesSource) -> Self {
        Self { notes: Arc::new(notes), ..self }
    }

    /// The caller's policy and the catalog that it was held against, for the tools that show the schema.
    pub(super) async fn schema(
        &self,
        caller: &Caller,
        limits: &CallLimits,
        cancel: &CancellationToken,
    ) -> Result<Schema<'_>, Diagnostic> {
        let pinned = self.policies.of(caller)?.pin();
        let limits = limits.within(pinned.policy());
        let seen = self.seen_by(caller)?;
        let catalog = seen.catalog(limits.deadline, cancel).await?;
        pinned.protects(&catalog)?;
        Ok(Schema { pinned, seen, catalog, notes: self.notes.current(), limits })
    }

    /// What the notes in use name and the catalog does not have.
    pub fn missing_notes(&self, catalog: &Catalog) -> Vec<NotesError> {
        self.notes.current().missing(catalog)
    }

    /// Says in the log what they name and nobody has: it helps nobody, and harms nobody.
    pub fn warn_of_notes(&self, catalog: &Catalog) {
        for missing in self.missing_notes(catalog) {
            warn!(database = self.name(), "notes: {missing}");
        }
    }

    /// The same of documents.
    pub fn warn_of_documents(&self, catalog: &Catalog) {
        for fault in self.document_faults(catalog) {
            warn!(database = self.name(), "{fault}");
        }
    }

    pub(super) fn name(&self) -> &str {
        self.database.name()
    }

    /// The refusal of what only a `monitor_login` sees.
    pub(super) fn has_no_monitor(&self) -> Diagnostic {
        let name = self.name();
        Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, format!("database `{name}` has no `monitor_login`"))
            .hint(format!(
                "let the DBA make a login that is a member of pg_monitor, and write `monitor_login = \"postgres://..\"` into `[databases.{name}]`"
            ))
    }

    /// The catalog, once the start-up checks have passed. Ends early when the call is cancelled or `deadline` is over.
    pub(super) async fn catalog(
        &self,
        deadline: Duration,
        cancel: &CancellationToken,
    ) -> Result<Arc<Catalog>, Diagnostic> {
        self.bounded(Box::pin(self.database.ready()), deadline, cancel).await
    }

    /// The catalog as it is now, for use after a name was not found; bounded in the same way.
    pub(super) async fn fresh_catalog(
        &self,
        deadline: Duration,
        cancel: &CancellationToken,
    ) -> Result<Arc<Catalog>, Diagnostic> {
        self.bounded(Box::pin(self.database.refresh()), deadline, cancel).await
    }

    /// Dropping `look` is safe: what it has begun is shared by all callers and starts again with the next one. Callers box
    /// it, since the futures of `db` are deep.
    async fn bounded(
        &self,
        look: impl Future<Output = Result<Arc<Catalog>, Diagnostic>>,
        deadline: Duration,
        cancel: &CancellationToken,
    ) -> Result<Arc<Catalog>, Diagnostic> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(canceled("the caller cancelled the call")),
            catalog = look => catalog,
            () = tokio::time::sleep(deadline) => {
                let late = Diagnostic::connection(
                    SqlState::CANNOT_CONNECT_NOW,
                    format!("database `{}` did not become ready in {} s", self.name(), deadline.as_secs()),
                );
                Err(late.hint("call again in a moment; `pgwarden doctor` tells what it waits for"))
            }
        }
    }
}

fn canceled(message: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::QUERY_CANCELED, message)
}
