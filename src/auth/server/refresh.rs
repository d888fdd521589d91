//! Refresh tokens rotate (OAuth 2.1, 4.3.1): each is good for one successor. The one before is good again only within
//! the grace, for a client that did not get the answer: it gets another successor of the same generation, since the
//! first is not kept in clear. Any other use of an old one ends the grant.

use super::authenticate::Authenticated;
use super::event::Step;
use super::exchange::NO_SCOPE;
use super::parameters::Parameters;
use super::seal::{GrantBody, What};
use super::secret::REFRESH;
use super::store::{GrantRow, TokenKind, TokenRow};
use super::{AuthorizationServer, Identity, Opaque, TokenAnswer, TokenError};
use crate::auth::{Scope, Scopes};

/// Successors of one generation.
const MOST_AGAIN: i64 = 10;
/// Of one grant, at one replica.
pub(super) const MOST_A_MINUTE: u32 = 30;
/// Access tokens of one grant that are good at once: more than the successors of one generation.
const MOST_ACCESS: i64 = 20;
/// Each try that is lost was won by another request of the same client, of which there are at most [`MOST_AGAIN`].
const TRIES: usize = 16;

const NOT_GOOD: &str = "the refresh token is not good: authorize again";

impl AuthorizationServer {
    pub(super) async fn refresh(
        &self,
        client: &Authenticated,
        form: &Parameters<'_>,
    ) -> Result<TokenAnswer, TokenError> {
        let missing = TokenError::new("invalid_request", "there is no refresh_token");
        let presented = form.value("refresh_token").ok_or(missing)?;
        let token = Opaque::parse(REFRESH, presented).ok_or(TokenError::grant(NOT_GOOD))?;
        for _ in 0..TRIES {
            if let Some(answer) = self.rotate(client, form, &token).await? {
                return Ok(answer);
            }
        }
        Err(busy())
    }

    /// `None`: the grant changed in between.
    async fn rotate(
        &self,
        client: &Authenticated,
        form: &Parameters<'_>,
        token: &Opaque,
    ) -> Result<Option<TokenAnswer>, TokenError> {
        let found = self.store.token(token.hash()).await?.filter(|(row, _)| row.kind == TokenKind::Refresh);
        let (row, grant) = found.ok_or(TokenError::grant(NOT_GOOD))?;
        let mut body: GrantBody = self.seal.open(&grant.id, What::Grant, &grant.body)?;
        let now = self.clock.now();
        let is_ours = body.resource == self.settings.resource;
        if body.client_id != client.client_id || !is_ours || grant.ends <= now {
            return Err(TokenError::grant(NOT_GOOD));
        }
        let next = match self.next(&row, &grant) {
            Next::Rotates(next) => next,
            Next::Again(next) if next.again <= MOST_AGAIN => next,
            Next::Again(_) => return Err(busy()),
            Next::Reused => {
                return self.reused(&grant, &body, "a refresh token was used again").await.map(Some);
            }
        };
        if row.ends <= now {
            return Err(TokenError::grant(NOT_GOOD));
        }
        let key = u128::from_be_bytes(grant.id).to_string();
        if !self.refreshes.has_room(&key, now) {
            return Err(busy());
        }
        let scopes = narrowed(form.value("scope"), body.scopes)?;
        body.identity = self.still(&grant, &body).await?;
        let scopes = scopes.and(body.identity.scopes);
        if scopes.is_empty() {
            return Err(TokenError::new("invalid_scope", NO_SCOPE));
        }
        let next = GrantRow { body: self.seal.seal(&grant.id, What::Grant, &body)?, ..*next };
        let login = self.login_key(&grant, &row, token)?;
        let (answer, tokens) = self.issue(&next, scopes, body.scopes, login.as_ref())?;
        if !self.store.change_grant(next, tokens).await? {
            return Ok(None);
        }
        self.refreshes.allows(&key, now);
        self.store.trim_tokens(grant.id, now, MOST_ACCESS).await?;
        self.clients.used(&client.client_id).await?;
        self.event(&body.identity.subject, Step::Refreshed { client_id: &body.client_id });
        Ok(Some(answer))
    }

    fn next(&self, row: &TokenRow, grant: &GrantRow) -> Next {
        let now = self.clock.now();
        if row.generation == grant.generation {
            let generation = grant.generation + 1;
            return Next::Rotates(Box::new(GrantRow { generation, again: 0, rotated: now, ..grant.clone() }));
        }
        let is_last = row.generation + 1 == grant.generation;
        if is_last && now <= grant.rotated + self.settings.lifetimes.grace {
            return Next::Again(Box::new(GrantRow { again: grant.again + 1, ..grant.clone() }));
        }
        Next::Reused
    }

    /// The person as PostgreSQL has them now. A role that may no longer log in ends the grant.
    pub(super) async fn still(&self, grant: &GrantRow, body: &GrantBody) -> Result<Identity, TokenError> {
        let identity = &body.identity;
        match self.now(identity).await? {
            Some(identity) => Ok(identity),
            None => {
                let cause = "the role may no longer log in";
                self.event(&identity.subject, Step::Revoked { client_id: &body.client_id, cause });
                self.end(grant.id).await?;
                Err(TokenError::grant("the person may no longer log in"))
            }
        }
    }
}

enum Next {
    Rotates(Box<GrantRow>),
    Again(Box<GrantRow>),
    Reused,
}

/// What is asked for, within what was granted.
fn narrowed(scope: Option<&str>, granted: Scopes) -> Result<Scopes, TokenError> {
    let Some(words) = scope else { return Ok(granted) };
    let words = words.split(' ').filter(|word| !word.is_empty() && *word != "offline_access");
    let asked: Option<Scopes> = words.map(Scope::parse).collect();
    asked
        .filter(|asked| asked.and(granted) == *asked && !asked.is_empty())
        .ok_or(TokenError::new("invalid_scope", "a scope is asked for that was not granted"))
}

fn busy() -> TokenError {
    let words = "this grant is refreshed too often: try again in a moment";
    TokenError { status: 429, ..TokenError::new("slow_down", words) }
}
