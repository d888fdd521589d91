//! Statements that write, as PostgreSQL runs their checked texts: what changes, what comes back, and what stays hidden.

mod attacks;
mod hidden;
mod kinds;

use std::sync::Arc;

use pgwarden::catalog::Catalog;
use pgwarden::pg::Diagnostic;
use pgwarden::policy::{Claims, Policy};
use pgwarden::sql::{CheckContext, CheckedWrite, WriteOptions, check_write, policy_errors};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::support::{Database, Template, gate};

const FIXTURE: &str = include_str!("writes/fixture.sql");

/// Everything is allowed; of two tenants the caller is one.
const TENANT: &str = r#"
[[allow]]
select = ["w.*"]
[[allow]]
insert = ["w.*"]
[[allow]]
update = ["w.*"]
[[allow]]
delete = ["w.*"]
[[filter]]
relations = ["w.accounts", "w.events", "w.assets"]
where = "tenant = caller.tenant"
"#;

/// A database with the fixture, and a login that may write.
struct Lab {
    database: Database<'static>,
    catalog: Arc<Catalog>,
    policy: Policy,
    claims: Claims,
    client: Client,
}

/// What PostgreSQL said to a statement, and what the tables hold behind it. Nothing of it is kept.
struct Ran {
    /// Fields separated by `|`; `Err` is what PostgreSQL says.
    rows: Result<Vec<String>, String>,
    /// Of `w.accounts`, `w.orders`, `w.events` and `w.assets`.
    tables: String,
}

impl Ran {
    fn rows(&self) -> Vec<&str> {
        self.rows.as_ref().unwrap().iter().map(String::as_str).collect()
    }
}

const TABLES: &str = "SELECT concat_ws(' ', \
    (SELECT string_agg(concat_ws('|', 'A', id, tenant, name, email, secret, points), ' ' ORDER BY id) FROM w.accounts), \
    (SELECT string_agg(concat_ws('|', 'O', id, account, amount, state), ' ' ORDER BY id) FROM w.orders), \
    (SELECT string_agg(concat_ws('|', 'E', id, tenant, kind), ' ' ORDER BY id) FROM w.events), \
    (SELECT string_agg(concat_ws('|', 'S', id, tenant, label), ' ' ORDER BY id) FROM w.assets))";

impl Lab {
    async fn create(rules: &str) -> Self {
        let database = Database::create(Template::Empty).await;
        let login = database.create_role("writer", "LOGIN").await;
        database.admin().await.batch_execute(&FIXTURE.replace("{login}", &login)).await.unwrap();
        let catalog = gate(&database.url(&login)).ready().await.unwrap();
        let client = database.connect(&login).await;
        let mut lab = Self {
            database,
            catalog,
            policy: Policy::builtin(),
            claims: Claims::from_iter([("tenant", "a")]),
            client,
        };
        lab.rule(rules);
        lab
    }

    /// The catalog as it is now.
    async fn read_again(&mut self) {
        let login = &self.catalog.contents().login;
        self.catalog = gate(&self.database.url(login)).ready().await.unwrap();
    }

    fn rule(&mut self, rules: &str) {
        self.policy = Policy::parse(&format!("version = 1\ninclude = []\n{rules}"), "lab.toml").unwrap();
        assert_eq!(self.policy.missing(&self.catalog), []);
        assert_eq!(policy_errors(&self.policy, &self.cx()), []);
    }

    fn cx(&self) -> CheckContext<'_> {
        CheckContext { claims: &self.claims, ..CheckContext::new(&self.catalog, &self.policy) }
    }

    fn check(&self, sql: &str) -> Result<CheckedWrite, Diagnostic> {
        check_write(sql, &self.cx(), &WriteOptions::default())
    }

    fn refusal(&self, sql: &str) -> String {
        match self.check(sql) {
            Ok(write) => panic!("{sql} is allowed: {}", write.text()),
            Err(no) => format!("{} {} {}", no.sqlstate, no.rule.unwrap_or_default(), no.message),
        }
    }

    async fn run(&self, sql: &str) -> Ran {
        let write = self.check(sql).unwrap_or_else(|no| panic!("{sql}: {no:?}"));
        self.run_text(write.text(), write.bound()).await
    }

    async fn run_with_before(&self, sql: &str) -> Ran {
        let write = check_write(sql, &self.cx(), &WriteOptions { before: true });
        let write = write.unwrap_or_else(|no| panic!("{sql}: {no:?}"));
        self.run_text(write.text(), write.bound()).await
    }

    /// In a transaction that is rolled back, as the login.
    async fn run_text(&self, text: &str, bound: &[String]) -> Ran {
        self.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
        let values: Vec<String> = bound.iter().map(|value| format!("'{value}'")).collect();
        let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
        let rows = async {
            self.client.batch_execute(&format!("PREPARE written AS {text}")).await?;
            self.client.simple_query(&format!("EXECUTE written{values}")).await
        };
        let rows = rows.await.map(|messages| messages.iter().filter_map(fields).collect());
        let tables = match &rows {
            Ok(_) => self.client.simple_query(TABLES).await.unwrap().iter().find_map(fields).unwrap(),
            Err(_) => String::new(),
        };
        self.client.batch_execute("ROLLBACK; DEALLOCATE ALL").await.unwrap();
        let rows = rows.map_err(|error: tokio_postgres::Error| {
            error.as_db_error().map_or_else(
                || error.to_string(),
                |error| format!("{} {} {:?}", error.code().code(), error.message(), error.detail()),
            )
        });
        Ran { rows, tables }
    }

    async fn before(&self) -> String {
        let rows = self.client.simple_query(TABLES).await.unwrap();
        rows.iter().find_map(fields).unwrap()
    }
}

fn fields(message: &SimpleQueryMessage) -> Option<String> {
    let SimpleQueryMessage::Row(row) = message else { return None };
    Some((0..row.len()).map(|at| row.get(at).unwrap_or("NULL")).collect::<Vec<_>>().join("|"))
}
