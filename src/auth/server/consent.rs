//! What a person said yes to before is not asked again: the same client, redirect, scopes and resource.

use super::event::Step;
use super::secret::Hash;
use super::{AuthorizationServer, Pending, Session};
use crate::pg::Diagnostic;

/// Of one person.
const MOST: i64 = 200;

impl AuthorizationServer {
    /// Always where the redirect stays on the person's machine: whatever program listens there, or has the scheme, would get
    /// the code.
    pub async fn needs_consent(&self, pending: &Pending, session: &Session) -> Result<bool, Diagnostic> {
        if !pending.is_web {
            return Ok(true);
        }
        let known = self.store.has_consent(self.consent_key(pending, session), self.clock.now()).await?;
        Ok(!known)
    }

    /// Remembers the yes, where it is a new one.
    pub(super) async fn remember(&self, pending: &Pending, session: &Session) -> Result<(), Diagnostic> {
        if !self.needs_consent(pending, session).await? {
            return Ok(());
        }
        self.event(&session.identity.subject, Step::Consented { client_id: &pending.client_id });
        if !pending.is_web {
            return Ok(());
        }
        let ends = self.clock.now() + self.settings.lifetimes.consent;
        self.store.add_consent(self.consent_key(pending, session), session.owner(), ends, MOST).await
    }

    fn consent_key(&self, pending: &Pending, session: &Session) -> Hash {
        let identity = &session.identity;
        self.seal.keyed(&[
            "consent",
            &identity.issuer,
            &identity.subject,
            &identity.role_number(),
            &pending.client_id,
            &pending.redirect_host,
            &pending.scopes.to_string(),
            &pending.resource,
        ])
    }
}
