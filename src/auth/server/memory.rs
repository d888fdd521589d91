//! The store of one process: what it holds ends with it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, ready};

use super::secret::Hash;
use super::store::{ClientRow, GrantId, GrantRow, GrantStore, KEPT, SessionRow, TokenKind, TokenRow};
use crate::pg::Diagnostic;

#[derive(Debug, Default)]
pub struct MemoryGrants(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    grants: HashMap<GrantId, GrantRow>,
    tokens: HashMap<Hash, TokenRow>,
    sessions: HashMap<Hash, SessionRow>,
    /// Owner and end.
    consents: HashMap<Hash, (Hash, DateTime<Utc>)>,
    clients: HashMap<Hash, ClientRow>,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, Diagnostic>>;

impl MemoryGrants {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn done<'a, T: Send + 'a>(answer: T) -> Answer<'a, T> {
    Box::pin(ready(Ok(answer)))
}

/// Removes the owner's rows that rank lowest, but for `most`.
fn keep_newest<V, R: Ord>(rows: &mut HashMap<Hash, V>, most: i64, rank: impl Fn(&V) -> Option<R>) {
    let mut owned: Vec<(R, Hash)> = rows.iter().filter_map(|(hash, row)| Some((rank(row)?, *hash))).collect();
    owned.sort();
    let surplus = owned.len().saturating_sub(usize::try_from(most).unwrap_or(0));
    for (_, hash) in owned.into_iter().take(surplus) {
        rows.remove(&hash);
    }
}

impl Tables {
    /// Those of the generations that count.
    fn trim_grants(&mut self, owner: Hash, most: i64, counts: impl Fn(i64) -> bool) {
        let is_one = |grant: &&GrantRow| grant.owner == owner && counts(grant.generation);
        let mut owned: Vec<_> = self.grants.values().filter(is_one).collect();
        owned.sort_by_key(|grant| (grant.rotated, grant.id));
        let surplus = owned.len().saturating_sub(usize::try_from(most).unwrap_or(0));
        let gone: Vec<GrantId> = owned.into_iter().take(surplus).map(|grant| grant.id).collect();
        for id in gone {
            self.end_grant(id);
        }
    }

    fn end_grant(&mut self, id: GrantId) -> bool {
        self.tokens.retain(|_, token| token.grant != id);
        self.grants.remove(&id).is_some()
    }
}

impl GrantStore for MemoryGrants {
    fn add_grant(&self, grant: GrantRow, code: TokenRow, most: i64) -> Answer<'_, ()> {
        let mut tables = self.lock();
        let owner = grant.owner;
        tables.grants.insert(grant.id, grant);
        tables.tokens.insert(code.hash, code);
        tables.trim_grants(owner, most, |generation| generation == 0);
        done(())
    }

    fn trim_grants(&self, owner: Hash, most: i64) -> Answer<'_, ()> {
        self.lock().trim_grants(owner, most, |generation| generation > 0);
        done(())
    }

    fn trim_tokens(&self, grant: GrantId, now: DateTime<Utc>, most: i64) -> Answer<'_, ()> {
        let is_one = |row: &TokenRow| row.grant == grant && row.kind == TokenKind::Access && row.ends > now;
        keep_newest(&mut self.lock().tokens, most, |row| is_one(row).then_some((row.generation, row.ends)));
        done(())
    }

    fn token(&self, hash: Hash) -> Answer<'_, Option<(TokenRow, GrantRow)>> {
        let tables = self.lock();
        let token = tables.tokens.get(&hash).cloned();
        done(token.and_then(|token| {
            let grant = tables.grants.get(&token.grant).cloned()?;
            Some((token, grant))
        }))
    }

    fn change_grant(&self, grant: GrantRow, tokens: Vec<TokenRow>) -> Answer<'_, bool> {
        let mut tables = self.lock();
        match tables.grants.get_mut(&grant.id) {
            Some(kept) if kept.version == grant.version => {
                *kept = GrantRow { version: grant.version + 1, ..grant };
            }
            _ => return done(false),
        }
        tables.tokens.extend(tokens.into_iter().map(|token| (token.hash, token)));
        done(true)
    }

    fn end_grant(&self, id: GrantId) -> Answer<'_, bool> {
        done(self.lock().end_grant(id))
    }

    fn end_token(&self, hash: Hash) -> Answer<'_, ()> {
        self.lock().tokens.remove(&hash);
        done(())
    }

    fn grants(&self, owner: Hash) -> Answer<'_, Vec<GrantRow>> {
        let mut owned: Vec<GrantRow> =
            self.lock().grants.values().filter(|grant| grant.owner == owner).cloned().collect();
        owned.sort_by_key(|grant| std::cmp::Reverse((grant.rotated, grant.id)));
        done(owned)
    }

    fn standing<'a>(&'a self, hashes: &'a [Hash]) -> Answer<'a, Vec<Hash>> {
        let tables = self.lock();
        done(hashes.iter().filter(|hash| tables.tokens.contains_key(*hash)).copied().collect())
    }

    fn add_session(&self, session: SessionRow, most: i64) -> Answer<'_, ()> {
        let mut tables = self.lock();
        let owner = session.owner;
        tables.sessions.insert(session.hash, session);
        keep_newest(&mut tables.sessions, most, |row| (row.owner == owner).then_some(row.ends));
        done(())
    }

    fn session(&self, hash: Hash) -> Answer<'_, Option<SessionRow>> {
        done(self.lock().sessions.get(&hash).cloned())
    }

    fn see_session(&self, hash: Hash, seen: DateTime<Utc>) -> Answer<'_, ()> {
        if let Some(session) = self.lock().sessions.get_mut(&hash) {
            session.seen = seen;
        }
        done(())
    }

    fn end_session(&self, hash: Hash) -> Answer<'_, ()> {
        self.lock().sessions.remove(&hash);
        done(())
    }

    fn end_sessions(&self, owner: Hash) -> Answer<'_, ()> {
        self.lock().sessions.retain(|_, session| session.owner != owner);
        done(())
    }

    fn add_consent(&self, hash: Hash, owner: Hash, ends: DateTime<Utc>, most: i64) -> Answer<'_, ()> {
        let mut tables = self.lock();
        tables.consents.insert(hash, (owner, ends));
        keep_newest(&mut tables.consents, most, |(whose, ends)| (*whose == owner).then_some(*ends));
        done(())
    }

    fn has_consent(&self, hash: Hash, now: DateTime<Utc>) -> Answer<'_, bool> {
        done(self.lock().consents.get(&hash).is_some_and(|(_, ends)| *ends > now))
    }

    fn add_client(&self, client: ClientRow, most: i64) -> Answer<'_, bool> {
        let mut tables = self.lock();
        let has_room = i64::try_from(tables.clients.len()).is_ok_and(|count| count < most);
        if has_room {
            tables.clients.insert(client.hash, client);
        }
        done(has_room)
    }

    fn client(&self, hash: Hash) -> Answer<'_, Option<ClientRow>> {
        done(self.lock().clients.get(&hash).cloned())
    }

    fn keep_client(&self, hash: Hash, ends: DateTime<Utc>) -> Answer<'_, ()> {
        if let Some(client) = self.lock().clients.get_mut(&hash) {
            client.ends = client.ends.max(ends);
        }
        done(())
    }

    fn sweep(&self, now: DateTime<Utc>) -> Answer<'_, ()> {
        let mut tables = self.lock();
        let Tables { grants, tokens, sessions, consents, clients } = &mut *tables;
        grants.retain(|_, grant| grant.ends > now);
        tokens.retain(|_, token| token.ends + KEPT > now && grants.contains_key(&token.grant));
        sessions.retain(|_, session| session.ends > now);
        consents.retain(|_, (_, ends)| *ends > now);
        clients.retain(|_, client| client.ends > now);
        done(())
    }
}
