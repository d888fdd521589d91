//! Revocation by a client (RFC 7009). A refresh token takes the grant with it, an access token only itself.

use super::event::Step;
use super::parameters::{FAULTY, Parameters};
use super::seal::{GrantBody, What};
use super::secret::{ACCESS, REFRESH};
use super::store::{GrantId, TokenKind};
use super::{AuthorizationServer, Opaque, TokenError, TokenRequest};
use crate::pg::Diagnostic;

impl AuthorizationServer {
    /// Says nothing of tokens that are not known, or not the client's.
    pub async fn revoke(&self, request: TokenRequest<'_>) -> Result<(), TokenError> {
        let form = Parameters::read(request.form).ok_or(TokenError::new("invalid_request", FAULTY))?;
        let client = self.authenticate(&form, request.authorization).await?;
        let presented = form.value("token").ok_or(TokenError::new("invalid_request", "there is no token"))?;
        let token = [REFRESH, ACCESS].into_iter().find_map(|prefix| Opaque::parse(prefix, presented));
        let Some(token) = token else { return Ok(()) };
        let Some((row, grant)) = self.store.token(token.hash()).await? else { return Ok(()) };
        let body: GrantBody = self.seal.open(&grant.id, What::Grant, &grant.body)?;
        if body.client_id != client.client_id {
            return Ok(());
        }
        self.event(
            &body.identity.subject,
            Step::Revoked { client_id: &body.client_id, cause: "by the client" },
        );
        match row.kind {
            TokenKind::Access => {
                self.store.end_token(row.hash).await?;
                self.admissions.end_token(&row.hash, self.clock.now());
            }
            TokenKind::Refresh | TokenKind::Code => self.end(grant.id).await?,
        }
        Ok(())
    }

    /// A grant with all its tokens, here at once and in other processes within two seconds.
    pub(super) async fn end(&self, grant: GrantId) -> Result<(), Diagnostic> {
        self.store.end_grant(grant).await?;
        self.admissions.end_grant(&grant, self.clock.now());
        Ok(())
    }
}
