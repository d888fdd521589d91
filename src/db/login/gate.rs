//! What a login that is there to take roles has besides them: it should have nothing.

use serde::Deserialize;
use tokio_postgres::Client;

use super::{Examination, Finding};
use crate::db::error;
use crate::pg::{Diagnostic, SqlState, quote_ident};

const GATE: &str = include_str!("gate.sql");

#[derive(Deserialize)]
struct Gate {
    takes: Vec<String>,
    inherited: Vec<String>,
    granted: Vec<String>,
}

/// Adds a finding for each role that the login may take: whoever reached `set_config` could take it. And one for each right
/// of its own. Runs in the transaction of introspection.
pub(in crate::db) async fn examine(client: &Client, examination: &mut Examination) -> Result<(), Diagnostic> {
    let row = client.query_typed_one(GATE, &[]).await.map_err(|e| error::diagnostic(&e))?;
    let text: String = row.try_get(0).map_err(|e| error::diagnostic(&e))?;
    let gate: Gate = serde_json::from_str(&text).map_err(|_| {
        Diagnostic::connection(SqlState::INTERNAL_ERROR, "the login's memberships cannot be read")
    })?;
    let login = examination.login.clone();
    for finding in gate.findings(&login) {
        if !examination.findings.iter().any(|known| known.name == finding.name) {
            examination.findings.push(finding);
        }
    }
    Ok(())
}

impl Gate {
    fn findings(self, login: &str) -> impl Iterator<Item = Finding> {
        let role = quote_ident(login);
        let (of_inherited, of_granted) = (role.clone(), role.clone());
        let takes = self.takes.into_iter().map(move |other| Finding {
            name: format!("member:{other}"),
            detail: format!(
                "login `{login}` may take the role `{other}`: so could whoever got past pgwarden"
            ),
            remedy: format!("REVOKE {} FROM {role}", quote_ident(&other)),
        });
        let inherited = self.inherited.into_iter().map(move |other| Finding {
            name: format!("{INHERITS}{other}"),
            detail: format!("login `{login}` has the rights of `{other}` without taking the role"),
            remedy: format!(
                "ALTER ROLE {of_inherited} NOINHERIT; since PostgreSQL 16 also GRANT {} TO {of_inherited} WITH INHERIT FALSE",
                quote_ident(&other)
            ),
        });
        let granted = self.granted.into_iter().map(move |object| Finding {
            name: format!("{GRANTED}{object}"),
            detail: format!("login `{login}` has a privilege of its own on `{object}`"),
            remedy: format!("revoke it from {of_granted}, and grant it to the roles that callers take"),
        });
        takes.chain(inherited).chain(granted)
    }
}

pub(super) const INHERITS: &str = "inherits:";
pub(super) const GRANTED: &str = "granted:";
