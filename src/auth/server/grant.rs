//! A person's yes becomes a grant, and a code for its client.

use super::event::Step;
use super::seal::{GrantBody, LoginKey, What};
use super::secret::CODE;
use super::store::{GrantRow, TokenKind, TokenRow};
use super::{AuthorizationServer, AuthorizeError, Opaque, Pending, Session, faults, redirect};

/// Of one person, with tokens.
pub(super) const MOST: i64 = 50;
/// Of one person, with a code that nobody has exchanged: apart, since a link alone can make them where a consent is remembered.
const MOST_CODES: i64 = 10;

impl AuthorizationServer {
    /// Where the browser goes: the client's redirect URI, with the code. Call it after the person has said yes, or where
    /// [`Self::needs_consent`] says that they have.
    pub async fn approve(&self, pending: &Pending, session: &Session) -> Result<String, AuthorizeError> {
        self.remember(pending, session).await?;
        let (now, identity) = (self.clock.now(), &session.identity);
        let ends = now + self.settings.lifetimes.code;
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| faults::no_random())?;
        let code = Opaque::random(CODE)?;
        let body = GrantBody {
            client_id: pending.client_id.clone(),
            client_name: pending.client_name.clone(),
            redirect_uri: pending.redirect_uri.clone(),
            challenge: pending.challenge.clone(),
            resource: pending.resource.clone(),
            scopes: pending.scopes,
            identity: identity.clone(),
            granted: now.timestamp(),
        };
        let key = session.login.as_ref().map(|_| LoginKey::random()).transpose()?;
        let sealed = key.as_ref().zip(session.login.as_deref()).map(|(key, login)| key.seal(&id, login));
        let grant = GrantRow {
            id,
            owner: session.owner(),
            version: 0,
            generation: 0,
            again: 0,
            rotated: now,
            ends,
            body: self.seal.seal(&id, What::Grant, &body)?,
            login: sealed.transpose()?,
        };
        let row = TokenRow {
            hash: code.hash(),
            grant: id,
            kind: TokenKind::Code,
            generation: 0,
            scopes: pending.scopes.to_string(),
            ends,
            key: key.map(|key| key.wrap(&id, &code.vault())).transpose()?,
        };
        self.store.add_grant(grant, row, MOST_CODES).await?;
        self.event(&identity.subject, Step::Code { client_id: &pending.client_id });
        let mut parameters = vec![("code", code.reveal())];
        parameters.extend(pending.state.as_deref().map(|state| ("state", state)));
        parameters.push(("iss", self.settings.issuer.as_str()));
        Ok(redirect::with(&pending.redirect_uri, &parameters))
    }
}
