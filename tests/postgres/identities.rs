//! As whom the database sees a caller: a role that a login takes, a caller's own login, the login of a policy; and what
//! row security is told of them.

mod claims;
mod doctor;
mod escapes;
mod given;
mod logins;
mod own;
mod roles;
mod tasks;
mod writes;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pgwarden::auth::{Caller, OwnLogin};
use pgwarden::db::{Database as Gate, Identity};
use pgwarden::gateway::{CallLimits, Gateway, Policies, QueryRequest, RunAs, Served};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::support::{Database, Template, gate_with};

/// Two roles with different grants and rows: `analyst` reads three columns of tenant a, `support` all of tenant b.
struct Office<'c> {
    database: Database<'c>,
    analyst: String,
    support: String,
    /// A member of both, and nothing else.
    login: String,
}

impl Office<'static> {
    async fn open() -> Self {
        Self::furnish(Database::create(Template::Empty).await).await
    }
}

impl<'c> Office<'c> {
    async fn furnish(database: Database<'c>) -> Self {
        let analyst = database.create_role("analyst", "").await;
        let support = database.create_role("support", "").await;
        let login =
            database.create_role("gate", &format!("LOGIN NOINHERIT IN ROLE {analyst}, {support}")).await;
        let sql = format!(
            "CREATE SCHEMA app;
             CREATE TABLE app.notes (id int PRIMARY KEY, tenant text, body text, secret text);
             INSERT INTO app.notes SELECT n, tenant, 'body of ' || tenant, 'TOPSECRET-' || tenant
               FROM generate_series(1, 40) AS n, LATERAL (SELECT CASE WHEN n % 2 = 0 THEN 'a' ELSE 'b' END) AS t (tenant);
             ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY;
             CREATE POLICY a ON app.notes TO {analyst} USING (tenant = 'a');
             CREATE POLICY b ON app.notes TO {support} USING (tenant = 'b');
             GRANT USAGE ON SCHEMA app TO {analyst}, {support};
             GRANT SELECT (id, tenant, body) ON app.notes TO {analyst};
             GRANT SELECT ON app.notes TO {support};
             CREATE TABLE app.hidden (x text);
             INSERT INTO app.hidden VALUES ('TOPSECRET-hidden')"
        );
        database.admin().await.batch_execute(&sql).await.unwrap();
        Self { database, analyst, support, login }
    }

    async fn admin(&self, sql: &str) {
        self.database.admin().await.batch_execute(sql).await.unwrap();
    }

    fn accepted(&self) -> BTreeSet<String> {
        [&self.analyst, &self.support].map(|role| format!("member:{role}")).into()
    }

    fn roles(&self) -> RunAs {
        let roles = vec![self.analyst.clone(), self.support.clone()];
        RunAs::Role { claim: "role".to_owned(), roles }
    }

    /// The login that takes roles.
    fn gate(&self, pool_size: usize) -> Arc<Gate> {
        gate_with(&self.database.url(&self.login), |settings| {
            settings.name = "office".to_owned();
            settings.identity = Identity::Gate;
            settings.accepted = self.accepted();
            settings.pool_size = pool_size;
        })
    }

    fn gateway(&self, policies: impl Into<Policies>) -> Gateway {
        gateway(Served::new(self.gate(2), policies).running_as(self.roles()))
    }

    fn of(&self, role: &str) -> Caller {
        with_claims(&format!("a person of {role}"), &[("role", role)])
    }
}

fn gateway(served: Served) -> Gateway {
    let limits = CallLimits {
        rows: 1_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(30),
    };
    Gateway::new(vec![served], limits, Telemetry::default())
}

fn with_claims(subject: &str, claims: &[(&str, &str)]) -> Caller {
    Caller { claims: claims.iter().copied().collect(), ..Caller::local(subject) }
}

fn with_login(subject: &str, role: &str, password: &str) -> Caller {
    let login = OwnLogin { role: role.to_owned(), password: Zeroizing::new(password.to_owned()) };
    Caller { login: Some(Arc::new(login)), ..Caller::local(subject) }
}

/// The rows as JSON.
async fn rows(gateway: &Gateway, caller: &Caller, sql: &str) -> Result<String, Diagnostic> {
    let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    let output = gateway.query(caller, request, &CancellationToken::new()).await?;
    Ok(output.rows.get().to_owned())
}

async fn refused(gateway: &Gateway, caller: &Caller, sql: &str) -> Diagnostic {
    let refusal = rows(gateway, caller, sql).await.unwrap_err();
    assert!(!refusal.render("").contains("TOPSECRET"), "{refusal}");
    refusal
}

fn policy(text: &str) -> Policy {
    Policy::parse(&format!("version = 1\ninclude = []\n{text}"), "policy.toml").unwrap()
}
