//! Where grants, tokens, sessions, consents and registered clients are kept: hashes, sealed bytes and times.
//!
//! It decides nothing. A grant changes by comparing its version, so that of several changes at once one wins.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;

use super::secret::Hash;
use crate::pg::Diagnostic;

/// How long tokens are remembered after their end: to notice that they are used again.
pub(super) const KEPT: TimeDelta = TimeDelta::days(1);

pub type GrantId = [u8; 16];
type Answer<'a, T> = BoxFuture<'a, Result<T, Diagnostic>>;

/// What a person allowed a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantRow {
    pub id: GrantId,
    /// A keyed hash of the person.
    pub owner: Hash,
    /// Counts changes.
    pub version: i64,
    /// Counts rotations: 0 while only a code was given, then the generation of refresh token that is good.
    pub generation: i64,
    /// How often the token before was used again within the grace, in this generation.
    pub again: i64,
    pub rotated: DateTime<Utc>,
    pub ends: DateTime<Utc>,
    /// Sealed under the store's key.
    pub body: Vec<u8>,
    /// A login, sealed under a key of its own that only bearers of its tokens can open.
    pub login: Option<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    Code,
    Access,
    Refresh,
}

/// A code or a token of a grant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenRow {
    pub hash: Hash,
    pub grant: GrantId,
    pub kind: TokenKind,
    pub generation: i64,
    /// Words, with spaces between.
    pub scopes: String,
    pub ends: DateTime<Utc>,
    /// The key of the grant's login, sealed under this token.
    pub key: Option<Vec<u8>>,
}

/// A browser that somebody is logged in with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionRow {
    pub hash: Hash,
    pub owner: Hash,
    pub seen: DateTime<Utc>,
    pub ends: DateTime<Utc>,
    /// Sealed under the store's key.
    pub body: Vec<u8>,
    /// A login, sealed under the session's secret.
    pub login: Option<Vec<u8>>,
}

/// A client that registered itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientRow {
    pub hash: Hash,
    pub ends: DateTime<Utc>,
    /// Sealed under the store's key.
    pub body: Vec<u8>,
}

pub trait GrantStore: Send + Sync + fmt::Debug {
    /// Of generation 0. Ends the owner's oldest of that generation beyond `most`.
    fn add_grant(&self, grant: GrantRow, code: TokenRow, most: i64) -> Answer<'_, ()>;
    /// Ends the owner's oldest grants of later generations beyond `most`.
    fn trim_grants(&self, owner: Hash, most: i64) -> Answer<'_, ()>;
    /// Ends the grant's access tokens that are good at `now` beyond `most`, the oldest first.
    fn trim_tokens(&self, grant: GrantId, now: DateTime<Utc>, most: i64) -> Answer<'_, ()>;
    fn token(&self, hash: Hash) -> Answer<'_, Option<(TokenRow, GrantRow)>>;
    /// Puts `grant` in the place of the same grant and version, one version on, and adds `tokens`. False: it has
    /// another version, or is gone, and nothing happened.
    fn change_grant(&self, grant: GrantRow, tokens: Vec<TokenRow>) -> Answer<'_, bool>;
    /// With all its tokens. False: there was none.
    fn end_grant(&self, id: GrantId) -> Answer<'_, bool>;
    fn end_token(&self, hash: Hash) -> Answer<'_, ()>;
    /// In the order of their rotations, the newest first.
    fn grants(&self, owner: Hash) -> Answer<'_, Vec<GrantRow>>;
    /// Those of the tokens that are still there.
    fn standing<'a>(&'a self, hashes: &'a [Hash]) -> Answer<'a, Vec<Hash>>;

    /// Forgets the owner's oldest sessions beyond `most`.
    fn add_session(&self, session: SessionRow, most: i64) -> Answer<'_, ()>;
    fn session(&self, hash: Hash) -> Answer<'_, Option<SessionRow>>;
    fn see_session(&self, hash: Hash, seen: DateTime<Utc>) -> Answer<'_, ()>;
    fn end_session(&self, hash: Hash) -> Answer<'_, ()>;
    fn end_sessions(&self, owner: Hash) -> Answer<'_, ()>;

    /// Forgets the owner's oldest consents beyond `most`.
    fn add_consent(&self, hash: Hash, owner: Hash, ends: DateTime<Utc>, most: i64) -> Answer<'_, ()>;
    fn has_consent(&self, hash: Hash, now: DateTime<Utc>) -> Answer<'_, bool>;

    /// False: there are `most` already.
    fn add_client(&self, client: ClientRow, most: i64) -> Answer<'_, bool>;
    fn client(&self, hash: Hash) -> Answer<'_, Option<ClientRow>>;
    fn keep_client(&self, hash: Hash, ends: DateTime<Utc>) -> Answer<'_, ()>;

    /// Forgets what has ended before `now`; tokens only a while after it, so that it is noticed when they are used.
    fn sweep(&self, now: DateTime<Utc>) -> Answer<'_, ()>;
}
