//! What a person allowed, for them to see and to take back.

use chrono::{DateTime, Utc};

use super::event::Step;
use super::seal::{GrantBody, What};
use super::store::GrantId;
use super::{AuthorizationServer, Session, redirect};
use crate::auth::Scopes;
use crate::pg::Diagnostic;

/// One client that may act for the person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantView {
    /// 32 hexadecimal digits.
    pub id: String,
    pub client_id: String,
    pub client_name: String,
    pub redirect_host: String,
    pub scopes: Scopes,
    pub granted: DateTime<Utc>,
    /// When tokens were given last.
    pub used: DateTime<Utc>,
    pub ends: DateTime<Utc>,
}

impl AuthorizationServer {
    /// Those that have tokens, the last used first.
    pub async fn grants(&self, session: &Session) -> Result<Vec<GrantView>, Diagnostic> {
        let now = self.clock.now();
        let rows = self.store.grants(session.owner()).await?;
        let live = rows.into_iter().filter(|row| row.generation > 0 && row.ends > now);
        live.map(|row| {
            let body: GrantBody = self.seal.open(&row.id, What::Grant, &row.body)?;
            Ok(GrantView {
                id: row.id.iter().map(|byte| format!("{byte:02x}")).collect(),
                redirect_host: redirect::shown(&body.redirect_uri),
                client_id: body.client_id,
                client_name: body.client_name,
                scopes: body.scopes,
                granted: DateTime::from_timestamp(body.granted, 0).unwrap_or(row.rotated),
                used: row.rotated,
                ends: row.ends,
            })
        })
        .collect()
    }

    /// False: there is no such grant of this person.
    pub async fn revoke_grant(&self, session: &Session, id: &str) -> Result<bool, Diagnostic> {
        let Some(view) = self.grants(session).await?.into_iter().find(|view| view.id == id) else {
            return Ok(false);
        };
        let Some(id) = parse(id) else { return Ok(false) };
        let step = Step::Revoked { client_id: &view.client_id, cause: "by the person" };
        self.event(&session.identity.subject, step);
        self.end(id).await?;
        Ok(true)
    }
}

fn parse(id: &str) -> Option<GrantId> {
    u128::from_str_radix(id, 16).ok().map(u128::to_be_bytes)
}
