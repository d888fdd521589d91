//! What the login could do if nothing stood in front of it, for `doctor` and for refusing to serve.

pub(super) mod gate;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Identity;
use super::introspect::Facts;
use crate::pg::{Diagnostic, SqlState, quote_ident};

pub(super) const LOGIN: &str = include_str!("login.sql");

/// A privilege that a pgwarden login should not have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What `--accept` takes: `superuser`, `bypassrls`, `replication`, `createrole`,
    /// `predefined_role:pg_read_all_data`, `member:admin`, `owner:shop.orders` (or `owner` for all of them).
    pub name: String,
    pub detail: String,
    /// The statement or step that removes it.
    pub remedy: String,
}

impl Finding {
    /// Names that stand alone. `owner` is every finding that starts so.
    pub const NAMES: [&str; 5] = ["superuser", "bypassrls", "replication", "createrole", "owner"];
    /// What stands before the colon of a name with an object.
    pub const NAMES_WITH_OBJECT: [&str; 3] = ["predefined_role", "member", "owner"];

    /// The DBA accepts it by name.
    pub fn is_accepted(&self, accepted: &BTreeSet<String>) -> bool {
        accepted.contains(&self.name) || (self.name.starts_with("owner:") && accepted.contains("owner"))
    }

    /// Not even by name: rights that a login has besides its roles would be everybody's; and the attributes that are
    /// accepted for one login are not those of whoever may come.
    pub fn is_final(&self, identity: &Identity) -> bool {
        match identity {
            Identity::Login | Identity::Outside => false,
            Identity::Gate => [gate::INHERITS, gate::GRANTED].iter().any(|word| self.name.starts_with(word)),
            Identity::Role(_) | Identity::Own => !self.name.contains(':'),
        }
    }

    /// It keeps the identity from being used.
    pub fn is_open(&self, identity: &Identity, accepted: &BTreeSet<String>) -> bool {
        self.is_final(identity) || !self.is_accepted(accepted)
    }

    /// What stands before the colon.
    fn kind(&self) -> &str {
        self.name.split(':').next().unwrap_or_default()
    }
}

/// What is true of the connection and its login.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Examination {
    pub database: String,
    pub login: String,
    /// As PostgreSQL prints it: `15.18 (Debian ..)`.
    pub server_version: String,
    pub server_version_num: u32,
    /// `TLSv1.3` and the like; `None` where PostgreSQL's end of the connection is not encrypted.
    pub tls: Option<String>,
    pub time_zone: String,
    pub server_encoding: String,
    pub in_recovery: bool,
    /// Set where a pooler lends server connections for a transaction, and where PostgreSQL sees another TCP client than us:
    /// a pooler, a proxy or address translation.
    pub pooler: Option<String>,
    pub findings: Vec<Finding>,
}

/// What `login.sql` reads.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Attributes {
    superuser: bool,
    bypassrls: bool,
    replication: bool,
    createrole: bool,
    predefined: Vec<String>,
    powerful: Vec<String>,
    owned: Vec<String>,
    client_port: Option<i32>,
}

/// `pooler` is what was found out when connecting; it goes before what the ports say.
pub(super) fn examine(
    facts: &Facts,
    attributes: &Attributes,
    our_port: Option<u16>,
    pooler: Option<&'static str>,
) -> Examination {
    Examination {
        database: facts.database.clone(),
        login: facts.login.clone(),
        server_version: facts.server_version.clone(),
        server_version_num: facts.server_version_num,
        tls: facts.tls.clone(),
        time_zone: facts.time_zone.clone(),
        server_encoding: facts.server_encoding.clone(),
        in_recovery: facts.in_recovery,
        pooler: pooler.map(str::to_owned).or_else(|| between(attributes.client_port, our_port)),
        findings: findings(&facts.login, attributes),
    }
}

fn between(client_port: Option<i32>, our_port: Option<u16>) -> Option<String> {
    let ours = our_port?;
    let seen = client_port?;
    (seen != i32::from(ours)).then(|| {
        "PostgreSQL sees another client than this one: a pooler, a proxy or address translation stands between"
            .to_owned()
    })
}

fn findings(login: &str, attributes: &Attributes) -> Vec<Finding> {
    let role = quote_ident(login);
    let flags = [
        (
            attributes.superuser,
            "superuser",
            "is a superuser: no privilege and no policy binds it",
            "NOSUPERUSER",
        ),
        (attributes.bypassrls, "bypassrls", "passes by row level security", "NOBYPASSRLS"),
        (attributes.replication, "replication", "can stream the whole cluster's data", "NOREPLICATION"),
        (attributes.createrole, "createrole", "can create roles and grant itself others", "NOCREATEROLE"),
    ];
    let flags = flags.into_iter().filter(|(has, ..)| *has).map(|(_, name, detail, without)| Finding {
        name: name.to_owned(),
        detail: format!("login `{login}` {detail}"),
        remedy: match name {
            "superuser" => {
                "connect as a login made for pgwarden: CREATE ROLE pgwarden LOGIN; GRANT SELECT on what it may read"
                    .to_owned()
            }
            _ => format!("ALTER ROLE {role} {without}"),
        },
    });
    let member = |prefix: &'static str, other: &String, detail: &str| Finding {
        name: format!("{prefix}:{other}"),
        detail: format!("login `{login}` is a member of `{other}`{detail}"),
        remedy: format!("REVOKE {} FROM {role}", quote_ident(other)),
    };
    let predefined = attributes.predefined.iter().map(|other| {
        member("predefined_role", other, ", which carries privileges beyond the grants that you see")
    });
    let powerful = attributes
        .powerful
        .iter()
        .map(|other| member("member", other, ", a role with administrative attributes"));
    let owned = attributes.owned.iter().map(|relation| Finding {
        name: format!("owner:{relation}"),
        detail: format!("login `{login}` owns `{relation}`, alone or through a role: grants and row security do not bind owners"),
        remedy: "let another role own it: ALTER TABLE .. OWNER TO .., then GRANT SELECT".to_owned(),
    });
    flags.chain(predefined).chain(powerful).chain(owned).collect()
}

/// Refuses a login with findings that nobody accepted.
pub(super) fn accept(
    examination: &Examination,
    accepted: &BTreeSet<String>,
    identity: &Identity,
) -> Result<(), Diagnostic> {
    let is_open = |finding: &&Finding| finding.is_open(identity, accepted);
    let open: Vec<&Finding> = examination.findings.iter().filter(is_open).collect();
    let Some(first) = open.first() else { return Ok(()) };
    if identity.is_of_caller() {
        return Err(over_privileged(examination, &open));
    }
    let names: Vec<&str> = open.iter().take(10).map(|finding| finding.name.as_str()).collect();
    let more = open.len().saturating_sub(names.len());
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(Diagnostic::refused(
        SqlState::INVALID_AUTHORIZATION,
        format!(
            "login `{}` of database `{}` is over-privileged: {}{tail}",
            examination.login,
            examination.database,
            names.join(", ")
        ),
    )
    .detail(first.detail.clone())
    .rule("login.privileges")
    .hint(match first.is_final(identity) {
        true => first.remedy.clone(),
        false => format!("{}; or accept it by name: `--accept {}`", first.remedy, first.name),
    }))
}

/// To a caller: without the names of objects, which the policy may hide. The log has them.
fn over_privileged(examination: &Examination, open: &[&Finding]) -> Diagnostic {
    let names: Vec<&str> = open.iter().take(10).map(|finding| finding.name.as_str()).collect();
    let mut kinds: Vec<&str> = open.iter().map(|finding| finding.kind()).collect();
    kinds.dedup();
    tracing::warn!(
        database = examination.database,
        role = examination.login,
        findings = names.join(", "),
        "a caller's role is over-privileged: it is refused"
    );
    Diagnostic::refused(
        SqlState::INVALID_AUTHORIZATION,
        format!("your role in this database is over-privileged: {}", kinds.join(", ")),
    )
    .rule("login.privileges")
    .hint("use a role that was made for this; who runs pgwarden finds the reasons in its log")
}
