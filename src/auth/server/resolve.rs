//! The authorization endpoint after login: the client's document, its redirect URI, what the person may grant.

use super::asked::{Asked, AskedBy, refusal};
use super::client::ClientKind;
use super::event::Step;
use super::{AuthorizationServer, AuthorizeError, Pending, Session};

impl AuthorizationServer {
    /// What the person is asked to allow. Reads the document of a client that is known by one.
    pub async fn resolve(&self, asked: &Asked, session: &Session) -> Result<Pending, AuthorizeError> {
        let identity = &session.identity;
        let client = match &asked.client {
            AskedBy::Known(client) => client.as_ref().clone(),
            AskedBy::Document(url) => {
                let read = self.clients.document(url, &session.owner()).await;
                read.map_err(|fault| {
                    let step = Step::Fetch { client_id: url.as_str(), cause: fault.cause() };
                    self.event(&identity.subject, step);
                    AuthorizeError::Document(fault.words())
                })?
            }
        };
        if !client.may_redirect_to(&asked.redirect_uri) {
            return Err(AuthorizeError::Page("the redirect_uri is not one of the client's"));
        }
        let scopes = asked.scopes.and(identity.scopes);
        if scopes.is_empty() {
            let to = self.refused(asked, "access_denied", "the person may have none of these scopes");
            return Err(match client.kind {
                ClientKind::Configured => AuthorizeError::Redirect(to),
                ClientKind::Registered | ClientKind::Document => AuthorizeError::Offered(to),
            });
        }
        Ok(client.pending(asked, scopes))
    }

    /// Where the browser goes once the person has said no.
    pub fn deny(&self, pending: &Pending, session: &Session) -> String {
        self.event(&session.identity.subject, Step::Denied { client_id: &pending.client_id });
        let words = "the person refused";
        let issuer = &self.settings.issuer;
        refusal(&pending.redirect_uri, issuer, pending.state.as_deref(), "access_denied", words)
    }

    fn refused(&self, asked: &Asked, error: &str, words: &str) -> String {
        refusal(&asked.redirect_uri, &self.settings.issuer, asked.state.as_deref(), error, words)
    }
}
