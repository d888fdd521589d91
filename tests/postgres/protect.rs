//! What a policy keeps back, end to end: masked values, filtered rows, denied columns, on a real PostgreSQL.

mod attacks;
mod filters;
mod legitimate;
mod masks;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pgwarden::catalog::Catalog;
use pgwarden::db;
use pgwarden::pg::Diagnostic;
use pgwarden::policy::{Claims, Policy, Sources};
use pgwarden::sql::{CheckContext, Checked, check};
use tokio_util::sync::CancellationToken;

use crate::support::{Database, Page, Template, gate};

/// Two tenants. Of tenant b nothing must ever show: its rows carry HIDDEN-.
const FIXTURE: &str = include_str!("protect/fixture.sql");

/// A database with the fixture, and pgwarden in front of it under one policy.
struct Lab {
    database: Database<'static>,
    gate: Arc<db::Database>,
    catalog: Arc<Catalog>,
    policy: Policy,
    claims: Claims,
}

impl Lab {
    /// `rules` are what stands behind `version` and `include`.
    async fn create(rules: &str) -> Self {
        let database = Database::create(Template::Empty).await;
        let login = database.create_role("lab", "LOGIN").await;
        database.admin().await.batch_execute(&FIXTURE.replace("{login}", &login)).await.unwrap();
        let gate = gate(&database.url(&login));
        let catalog = gate.ready().await.unwrap();
        let policy = policy(rules);
        let claims = Claims::from_iter([("tenant", "a")]);
        let lab = Self { database, gate, catalog, policy, claims };
        assert_eq!(lab.policy.missing(&lab.catalog), []);
        assert_eq!(pgwarden::sql::policy_errors(&lab.policy, &lab.cx()), []);
        lab
    }

    fn cx(&self) -> CheckContext<'_> {
        CheckContext { claims: &self.claims, ..CheckContext::new(&self.catalog, &self.policy) }
    }

    fn check(&self, sql: &str) -> Result<Checked, Diagnostic> {
        check(sql, &self.cx())
    }

    async fn run(&self, sql: &str) -> Result<Page, Diagnostic> {
        self.run_with(sql, &[]).await
    }

    async fn run_with(&self, sql: &str, params: &[Option<String>]) -> Result<Page, Diagnostic> {
        let checked = self.check(sql)?;
        let limits = db::RunLimits {
            rows: 1_000,
            field_chars: 10_000,
            deadline: Duration::from_secs(20),
            planner: None,
        };
        let mut page = Page::default();
        let cancel = CancellationToken::new();
        self.gate.run(checked, params, &limits, &mut page, &cancel).await.map(|_| page)
    }

    /// Rows as text, fields separated by `|`, rows by a space.
    async fn rows(&self, sql: &str) -> String {
        let page = match self.run(sql).await {
            Ok(page) => page,
            Err(no) => {
                panic!("{sql}: {no:?}\n{:?}", self.check(sql).map(|checked| checked.text().to_owned()))
            }
        };
        let row = |row: &Vec<Option<String>>| {
            row.iter().map(|f| f.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join("|")
        };
        page.rows.iter().map(row).collect::<Vec<_>>().join(" ")
    }

    /// Everything that a caller gets to read.
    async fn answer(&self, sql: &str) -> String {
        match self.run(sql).await {
            Ok(page) => format!("{:?} {:?}", page.columns, page.rows),
            Err(no) => format!("{no} {no:?}"),
        }
    }
}

fn policy(rules: &str) -> Policy {
    let text = format!("version = 1\ninclude = []\n{rules}");
    let sources = Sources {
        read: &|_| Err("no files".to_owned()),
        secret: &|name| (name == "MASK_KEY").then(|| "a secret of sixteen".to_owned()),
    };
    Policy::load(&text, Path::new("lab.toml"), &sources).unwrap()
}
