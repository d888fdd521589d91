//! Proves that somebody knows a role's password: by a connection that PostgreSQL asks for it.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;
use tokio_postgres::types::Type;

use super::connect::Connector;
use super::conninfo::Host;
use super::fixed::{Fixed, Value};
use super::{ConnectionSettings, error};
use crate::pg::{Diagnostic, SqlState};

const FACTS: &str = include_str!("prove.sql");
/// PostgreSQL cuts longer names.
const LONGEST_ROLE: usize = 63;
const LONGEST_PASSWORD: usize = 1_000;
/// For the statement behind the connection.
const LIMIT: Duration = Duration::from_secs(5);
/// For looking at roles again.
const CONNECTIONS: usize = 2;

/// To one database: with the entry's own TLS, never with its password.
#[derive(Debug)]
pub struct Proof {
    connection: ConnectionSettings,
    /// Logins of pgwarden's own.
    not_people: Vec<String>,
    /// The same, as JSON.
    not_people_json: String,
    standing: Fixed,
}

/// What PostgreSQL says of a role.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct RoleFacts {
    pub role: String,
    pub oid: u32,
    /// It has LOGIN, is not expired, and may connect to this database.
    pub may_log_in: bool,
    superuser: bool,
    bypassrls: bool,
    replication: bool,
    createrole: bool,
    /// It can become a role with such attributes, or reach the server's files and programs.
    powerful: bool,
    /// It is a login of pgwarden's own, or can become one.
    ours: bool,
    /// Direct and inherited, by name; the first 200.
    pub memberships: Vec<String>,
}

/// Why a role was not proved.
#[derive(Debug)]
pub enum ProofError {
    /// For the log: whoever tried hears the same for all of them.
    Refused(&'static str),
    Unavailable(Diagnostic),
}

impl Proof {
    /// Does not connect. `connection` is the entry's; `not_people` are logins that nobody may be, besides its own.
    pub fn new(connection: &ConnectionSettings, mut not_people: Vec<String>) -> Self {
        not_people.push(connection.user().to_owned());
        let connection = connection.clone().named("pgwarden login");
        let standing = Fixed::new("the login's database", connection.clone(), CONNECTIONS);
        let not_people_json = serde_json::json!(not_people).to_string();
        Self { connection, not_people, not_people_json, standing }
    }

    /// Logs in as `role` by `password`, looks, and hangs up.
    pub async fn of(&self, role: &str, password: &str) -> Result<RoleFacts, ProofError> {
        let refused = |cause| Err(ProofError::Refused(cause));
        let fits = |text: &str, most| (1..=most).contains(&text.len()) && !text.contains('\0');
        if !fits(role, LONGEST_ROLE) || !fits(password, LONGEST_PASSWORD) {
            return refused("no role or password can be so");
        }
        if self.not_people.iter().any(|login| login == role) {
            return refused("a login of pgwarden's own");
        }
        let mut outcome = refused("no host is named");
        for host in &self.connection.hosts {
            outcome = self.at(host, role, password).await;
            if !matches!(outcome, Err(ProofError::Unavailable(_))) {
                break;
            }
        }
        outcome
    }

    /// Asks one host twice: what another would say of the second question proves nothing.
    async fn at(&self, host: &Host, role: &str, password: &str) -> Result<RoleFacts, ProofError> {
        let refused = |cause| Err(ProofError::Refused(cause));
        // Where a rule of pg_hba.conf lets the role in without a password, a connection proves nothing.
        match self.connector(host, role, None).open().await {
            Ok(link) => {
                link.close().await;
                return refused("PostgreSQL does not ask for the role's password");
            }
            Err(missing) if is_password_missing(&missing) => {}
            Err(error) => return Err(failed(error)),
        }
        let link = self.connector(host, role, Some(password)).open().await.map_err(failed)?;
        if link.user() != role {
            link.close().await;
            return refused("what stands before PostgreSQL logs in as another role");
        }
        let ours = self.not_people_json.as_str();
        let looked =
            timeout(LIMIT, link.client().query_typed(FACTS, &[(&role, Type::TEXT), (&ours, Type::TEXT)]))
                .await;
        link.close().await;
        let rows = match looked {
            Ok(rows) => rows.map_err(|error| ProofError::Unavailable(error::diagnostic(&error)))?,
            Err(_) => return Err(ProofError::Unavailable(silent())),
        };
        let text = rows.first().map(|row| row.try_get::<_, String>(0)).transpose();
        let text = text.map_err(|error| ProofError::Unavailable(error::diagnostic(&error)))?;
        let Some(text) = text else { return refused("no such role") };
        let facts = read(&text).map_err(ProofError::Unavailable)?;
        match facts.refusal() {
            Some(cause) => refused(cause),
            None => Ok(facts),
        }
    }

    /// By the entry's own login: `None`, there is no such role.
    pub async fn standing(&self, role: &str) -> Result<Option<RoleFacts>, Diagnostic> {
        let found =
            self.standing.read(FACTS, &[Value::Text(role), Value::Text(&self.not_people_json)]).await?;
        found.first().map(|record| read(&record.text(0)?)).transpose()
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.standing.close().await;
    }

    fn connector(&self, host: &Host, role: &str, password: Option<&str>) -> Connector {
        let mut connection = self.connection.clone();
        connection.hosts = vec![host.clone()];
        Connector::new(connection.for_login(role, password))
    }
}

impl RoleFacts {
    /// Why nobody works here as this role.
    pub fn refusal(&self) -> Option<&'static str> {
        [
            (!self.may_log_in, "the role may not log in to this database"),
            (self.superuser, "a superuser"),
            (self.bypassrls, "passes by row level security"),
            (self.replication, "can stream the whole cluster's data"),
            (self.createrole, "can create roles and grant itself others"),
            (self.powerful, "a member of a role with administrative rights"),
            (self.ours, "a member of a login of pgwarden's own"),
        ]
        .into_iter()
        .find_map(|(is_so, cause)| is_so.then_some(cause))
    }
}

fn is_password_missing(error: &Diagnostic) -> bool {
    error.sqlstate == SqlState::INVALID_AUTHORIZATION
        && error.message.starts_with("PostgreSQL asks for a password")
}

fn failed(error: Diagnostic) -> ProofError {
    match error.sqlstate.class() {
        "28" => ProofError::Refused("PostgreSQL refused the login"),
        "42" => ProofError::Refused("the role may not connect to this database"),
        _ => ProofError::Unavailable(error),
    }
}

fn read(text: &str) -> Result<RoleFacts, Diagnostic> {
    serde_json::from_str(text).map_err(|error| {
        Diagnostic::refused(SqlState::INTERNAL_ERROR, format!("a role's facts do not read: {error}"))
    })
}

fn silent() -> Diagnostic {
    Diagnostic::connection(
        SqlState::CANNOT_CONNECT_NOW,
        format!("PostgreSQL did not answer within {} s", LIMIT.as_secs()),
    )
}
