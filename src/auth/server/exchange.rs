//! A code becomes tokens, once (OAuth 2.1, 4.1.3).

use super::authenticate::Authenticated;
use super::event::Step;
use super::grant::MOST;
use super::parameters::Parameters;
use super::seal::{GrantBody, LoginKey, What};
use super::secret::{ACCESS, CODE, REFRESH};
use super::store::{GrantRow, TokenKind, TokenRow};
use super::{AuthorizationServer, Opaque, TokenAnswer, TokenError, pkce};
use crate::auth::Scopes;
use crate::pg::Diagnostic;

const NOT_GOOD: &str = "the code is not good: it was used, has expired, or is another client's";
pub(super) const NO_SCOPE: &str = "the person may have none of these scopes any more";

impl AuthorizationServer {
    pub(super) async fn exchange(
        &self,
        client: &Authenticated,
        form: &Parameters<'_>,
    ) -> Result<TokenAnswer, TokenError> {
        let needed = |name| {
            form.value(name)
                .ok_or(TokenError::new("invalid_request", "code, redirect_uri and code_verifier are needed"))
        };
        let (code, uri, verifier) = (needed("code")?, needed("redirect_uri")?, needed("code_verifier")?);
        let code = Opaque::parse(CODE, code).ok_or(TokenError::grant(NOT_GOOD))?;
        let found = self.store.token(code.hash()).await?.filter(|(row, _)| row.kind == TokenKind::Code);
        let (row, grant) = found.ok_or(TokenError::grant(NOT_GOOD))?;
        let mut body: GrantBody = self.seal.open(&grant.id, What::Grant, &grant.body)?;
        if grant.generation != 0 {
            return self.reused(&grant, &body, "a code was used again").await;
        }
        let now = self.clock.now();
        if row.ends <= now || body.client_id != client.client_id {
            return Err(TokenError::grant(NOT_GOOD));
        }
        if body.redirect_uri != uri {
            return Err(TokenError::grant("redirect_uri is another one than the code was sent to"));
        }
        if !pkce::proves(&body.challenge, verifier) {
            return Err(TokenError::grant("code_verifier is not what code_challenge was made of"));
        }
        body.identity = self.still(&grant, &body).await?;
        body.scopes = body.scopes.and(body.identity.scopes);
        if body.scopes.is_empty() {
            return Err(TokenError::new("invalid_scope", NO_SCOPE));
        }
        // Nobody asks another provider again whether the person still is one.
        let is_ours = body.identity.issuer == self.settings.issuer;
        let lifetimes = &self.settings.lifetimes;
        let lasts = if is_ours { lifetimes.grant } else { lifetimes.grant.min(lifetimes.session) };
        let next = GrantRow {
            body: self.seal.seal(&grant.id, What::Grant, &body)?,
            generation: 1,
            again: 0,
            rotated: now,
            ends: now + lasts,
            ..grant.clone()
        };
        let key = self.login_key(&grant, &row, &code)?;
        let (answer, tokens) = self.issue(&next, body.scopes, body.scopes, key.as_ref())?;
        if !self.store.change_grant(next, tokens).await? {
            // Whoever came first has it, and this is the second use.
            return self.reused(&grant, &body, "a code was used again").await;
        }
        self.store.trim_grants(grant.owner, MOST).await?;
        self.clients.used(&client.client_id).await?;
        self.event(&body.identity.subject, Step::Token { client_id: &body.client_id });
        Ok(answer)
    }

    /// Somebody has what only the client should have: the grant ends, for both of them.
    pub(super) async fn reused(
        &self,
        grant: &GrantRow,
        body: &GrantBody,
        cause: &'static str,
    ) -> Result<TokenAnswer, TokenError> {
        self.event(&body.identity.subject, Step::Reused { client_id: &body.client_id, cause });
        self.end(grant.id).await?;
        Err(TokenError::grant("it was used before: what it stood for is revoked, authorize again"))
    }

    /// What the bearer of `secret` opens the grant's login with.
    pub(super) fn login_key(
        &self,
        grant: &GrantRow,
        row: &TokenRow,
        secret: &Opaque,
    ) -> Result<Option<LoginKey>, Diagnostic> {
        row.key.as_deref().map(|wrapped| LoginKey::unwrap(&grant.id, &secret.vault(), wrapped)).transpose()
    }

    /// Tokens of `grant` as it will be: access for `scopes`, refresh for all that was granted.
    pub(super) fn issue(
        &self,
        grant: &GrantRow,
        scopes: Scopes,
        granted: Scopes,
        key: Option<&LoginKey>,
    ) -> Result<(TokenAnswer, Vec<TokenRow>), Diagnostic> {
        let (access, refresh) = (Opaque::random(ACCESS)?, Opaque::random(REFRESH)?);
        let lifetimes = &self.settings.lifetimes;
        let now = self.clock.now();
        let row = |token: &Opaque, kind, scopes: Scopes, lasts| -> Result<TokenRow, Diagnostic> {
            Ok(TokenRow {
                hash: token.hash(),
                grant: grant.id,
                kind,
                generation: grant.generation,
                scopes: scopes.to_string(),
                ends: grant.ends.min(now + lasts),
                key: key.map(|key| key.wrap(&grant.id, &token.vault())).transpose()?,
            })
        };
        let tokens = vec![
            row(&access, TokenKind::Access, scopes, lifetimes.access)?,
            row(&refresh, TokenKind::Refresh, granted, lifetimes.refresh)?,
        ];
        let expires_in = (grant.ends - now).min(lifetimes.access).num_seconds();
        Ok((TokenAnswer { access, refresh, expires_in, scopes }, tokens))
    }
}
