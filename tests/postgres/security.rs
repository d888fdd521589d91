//! Attacks. Each is refused by the gate that its test names, or harmless; docs/SECURITY-TESTS.md says which edit of
//! the source each test was seen to fail with.

mod bombs;
mod corner;
mod exploits;
mod functions;
mod hidden;
mod properties;
mod sizes;

pub use corner::{ATTACKS, MARKS};
pub use exploits::{HIDDEN_COLUMN, PARSER_DIFFERENCES};

use std::sync::Arc;
use std::time::Duration;

use pgwarden::catalog::Catalog;
use pgwarden::db;
use pgwarden::pg::{Diagnostic, Source};
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, Checked};
use tokio_util::sync::CancellationToken;

use crate::support::{Database, Page, Template, gate};

/// A database, and pgwarden in front of it.
struct Guarded {
    database: Database<'static>,
    gate: Arc<db::Database>,
    catalog: Arc<Catalog>,
    policy: Policy,
}

impl Guarded {
    async fn create(template: Template, login: &str) -> Self {
        Self::over(Database::create(template).await, login).await
    }

    async fn over(database: Database<'static>, login: &str) -> Self {
        let gate = gate(&database.url(login));
        let catalog = gate.ready().await.unwrap();
        Self { database, gate, catalog, policy: Policy::builtin() }
    }

    fn check(&self, sql: &str) -> Result<Checked, Diagnostic> {
        pgwarden::sql::check(sql, &CheckContext::new(&self.catalog, &self.policy))
    }

    /// The rule that refused.
    fn rule(&self, sql: &str) -> String {
        match self.check(sql) {
            Ok(checked) => format!("ALLOWED as {}", checked.text()),
            Err(no) => no.rule.unwrap_or_default(),
        }
    }

    /// Everything that a caller gets to read, and who said no.
    async fn answer(&self, sql: &str, params: &[&str]) -> (String, Option<Source>) {
        let checked = match self.check(sql) {
            Ok(checked) => checked,
            Err(no) => return (format!("{no:?}"), Some(no.source)),
        };
        let params: Vec<_> = params.iter().map(|value| Some((*value).to_owned())).collect();
        let limits = db::RunLimits {
            rows: 1_000,
            field_chars: 10_000,
            deadline: Duration::from_secs(20),
            planner: None,
        };
        let mut page = Page::default();
        let cancel = CancellationToken::new();
        match self.gate.run(checked, &params, &limits, &mut page, &cancel).await {
            Ok(ran) => (format!("{:?} {:?} {:?}", page.columns, page.rows, ran.notices), None),
            Err(no) => (format!("{no:?}"), Some(no.source)),
        }
    }
}
