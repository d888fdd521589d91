//! The store of several processes: tables in the schema `pgwarden`, by fixed statements.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;

use super::secret::Hash;
use super::store::{ClientRow, GrantId, GrantRow, GrantStore, KEPT, SessionRow, TokenKind, TokenRow};
use crate::db::ConnectionSettings;
use crate::db::fixed::{Fixed, Record, Value};
use crate::pg::{Diagnostic, SqlState};
use crate::store::{altered, fault, migrate};

const CONNECTIONS: usize = 4;

const ADD_GRANT: &str = include_str!("postgres/add_grant.sql");
const TRIM_CODES: &str = include_str!("postgres/trim_codes.sql");
const TRIM_TOKENS: &str = include_str!("postgres/trim_tokens.sql");
const TRIM_GRANTS: &str = include_str!("postgres/trim_grants.sql");
const ADD_TOKEN: &str = include_str!("postgres/add_token.sql");
const TOKEN: &str = include_str!("postgres/token.sql");
const CHANGE_GRANT: &str = include_str!("postgres/change_grant.sql");
const END_GRANT: &str = include_str!("postgres/end_grant.sql");
const END_TOKEN: &str = include_str!("postgres/end_token.sql");
const GRANTS: &str = include_str!("postgres/grants.sql");
const STANDING: &str = include_str!("postgres/standing.sql");
const ADD_SESSION: &str = include_str!("postgres/add_session.sql");
const TRIM_SESSIONS: &str = include_str!("postgres/trim_sessions.sql");
const SESSION: &str = include_str!("postgres/session.sql");
const SEE_SESSION: &str = include_str!("postgres/see_session.sql");
const END_SESSION: &str = include_str!("postgres/end_session.sql");
const END_SESSIONS: &str = include_str!("postgres/end_sessions.sql");
const ADD_CONSENT: &str = include_str!("postgres/add_consent.sql");
const TRIM_CONSENTS: &str = include_str!("postgres/trim_consents.sql");
const HAS_CONSENT: &str = include_str!("postgres/has_consent.sql");
const ADD_CLIENT: &str = include_str!("postgres/add_client.sql");
const CLIENT: &str = include_str!("postgres/client.sql");
const KEEP_CLIENT: &str = include_str!("postgres/keep_client.sql");
const SWEEP: &str = include_str!("postgres/sweep.sql");

type Answer<'a, T> = BoxFuture<'a, Result<T, Diagnostic>>;

pub struct PostgresGrants(Fixed);

impl PostgresGrants {
    /// Refuses a database that [`crate::store::migrate`] has not made ready.
    pub async fn open(connection: ConnectionSettings) -> Result<Self, Diagnostic> {
        let fixed = Fixed::new("the store", connection, CONNECTIONS);
        migrate::check(&fixed).await?;
        Ok(Self(fixed))
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.0.close().await;
    }

    async fn run(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        self.0.run(sql, values).await.map_err(fault)
    }

    async fn read(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        self.0.read(sql, values).await.map_err(fault)
    }

    /// All of them, or nothing.
    async fn all(&self, statements: &[(&'static str, &[Value<'_>])]) -> Result<(), Diagnostic> {
        let all = async {
            let mut transaction = self.0.begin().await?;
            for (sql, values) in statements {
                transaction.run(sql, values).await?;
            }
            transaction.commit().await
        };
        all.await.map_err(fault)
    }
}

impl fmt::Debug for PostgresGrants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresGrants")
    }
}

impl GrantStore for PostgresGrants {
    fn add_grant(&self, grant: GrantRow, code: TokenRow, most: i64) -> Answer<'_, ()> {
        Box::pin(async move {
            let trim = [Value::Bytes(&grant.owner), Value::Int(most)];
            self.all(&[
                (ADD_GRANT, &grant_values(&grant)),
                (ADD_TOKEN, &token_values(&code)),
                (TRIM_CODES, &trim),
            ])
            .await
        })
    }

    fn trim_grants(&self, owner: Hash, most: i64) -> Answer<'_, ()> {
        Box::pin(
            async move { self.run(TRIM_GRANTS, &[Value::Bytes(&owner), Value::Int(most)]).await.map(drop) },
        )
    }

    fn trim_tokens(&self, grant: GrantId, now: DateTime<Utc>, most: i64) -> Answer<'_, ()> {
        Box::pin(async move {
            self.run(TRIM_TOKENS, &[Value::Bytes(&grant), at(now), Value::Int(most)]).await.map(drop)
        })
    }

    fn token(&self, hash: Hash) -> Answer<'_, Option<(TokenRow, GrantRow)>> {
        Box::pin(async move {
            let found = self.read(TOKEN, &[Value::Bytes(&hash)]).await?;
            found.first().map(|record| Ok((token_of(record)?, grant_of(record, 7)?))).transpose()
        })
    }

    fn change_grant(&self, grant: GrantRow, tokens: Vec<TokenRow>) -> Answer<'_, bool> {
        Box::pin(async move {
            let change = async {
                let mut transaction = self.0.begin().await?;
                let changed = !transaction.run(CHANGE_GRANT, &grant_values(&grant)).await?.is_empty();
                for token in tokens.iter().filter(|_| changed) {
                    transaction.run(ADD_TOKEN, &token_values(token)).await?;
                }
                transaction.commit().await?;
                Ok(changed)
            };
            change.await.map_err(fault)
        })
    }

    fn end_grant(&self, id: GrantId) -> Answer<'_, bool> {
        Box::pin(async move { Ok(!self.run(END_GRANT, &[Value::Bytes(&id)]).await?.is_empty()) })
    }

    fn end_token(&self, hash: Hash) -> Answer<'_, ()> {
        Box::pin(async move { self.run(END_TOKEN, &[Value::Bytes(&hash)]).await.map(drop) })
    }

    fn grants(&self, owner: Hash) -> Answer<'_, Vec<GrantRow>> {
        Box::pin(async move {
            let found = self.read(GRANTS, &[Value::Bytes(&owner)]).await?;
            found.iter().map(|record| grant_of(record, 0)).collect()
        })
    }

    fn standing<'a>(&'a self, hashes: &'a [Hash]) -> Answer<'a, Vec<Hash>> {
        Box::pin(async move {
            let found = self.read(STANDING, &[Value::Bytes(hashes.as_flattened())]).await?;
            found.iter().map(|record| bytes(record, 0)).collect()
        })
    }

    fn add_session(&self, session: SessionRow, most: i64) -> Answer<'_, ()> {
        Box::pin(async move {
            let values = [
                Value::Bytes(&session.hash),
                Value::Bytes(&session.owner),
                at(session.seen),
                at(session.ends),
                Value::Bytes(&session.body),
                Value::Maybe(session.login.as_deref()),
            ];
            let trim = [Value::Bytes(&session.owner), Value::Int(most)];
            self.all(&[(ADD_SESSION, &values), (TRIM_SESSIONS, &trim)]).await
        })
    }

    fn session(&self, hash: Hash) -> Answer<'_, Option<SessionRow>> {
        Box::pin(async move {
            let found = self.read(SESSION, &[Value::Bytes(&hash)]).await?;
            let row = |record: &Record| {
                Ok(SessionRow {
                    hash,
                    owner: bytes(record, 0)?,
                    seen: time(record, 1)?,
                    ends: time(record, 2)?,
                    body: record.bytes(3)?,
                    login: record.maybe(4)?,
                })
            };
            found.first().map(row).transpose()
        })
    }

    fn see_session(&self, hash: Hash, seen: DateTime<Utc>) -> Answer<'_, ()> {
        Box::pin(async move { self.run(SEE_SESSION, &[Value::Bytes(&hash), at(seen)]).await.map(drop) })
    }

    fn end_session(&self, hash: Hash) -> Answer<'_, ()> {
        Box::pin(async move { self.run(END_SESSION, &[Value::Bytes(&hash)]).await.map(drop) })
    }

    fn end_sessions(&self, owner: Hash) -> Answer<'_, ()> {
        Box::pin(async move { self.run(END_SESSIONS, &[Value::Bytes(&owner)]).await.map(drop) })
    }

    fn add_consent(&self, hash: Hash, owner: Hash, ends: DateTime<Utc>, most: i64) -> Answer<'_, ()> {
        Box::pin(async move {
            let values = [Value::Bytes(&hash), Value::Bytes(&owner), at(ends)];
            let trim = [Value::Bytes(&owner), Value::Int(most)];
            self.all(&[(ADD_CONSENT, &values), (TRIM_CONSENTS, &trim)]).await
        })
    }

    fn has_consent(&self, hash: Hash, now: DateTime<Utc>) -> Answer<'_, bool> {
        Box::pin(
            async move { Ok(!self.read(HAS_CONSENT, &[Value::Bytes(&hash), at(now)]).await?.is_empty()) },
        )
    }

    fn add_client(&self, client: ClientRow, most: i64) -> Answer<'_, bool> {
        Box::pin(async move {
            let values =
                [Value::Bytes(&client.hash), at(client.ends), Value::Bytes(&client.body), Value::Int(most)];
            Ok(!self.run(ADD_CLIENT, &values).await?.is_empty())
        })
    }

    fn client(&self, hash: Hash) -> Answer<'_, Option<ClientRow>> {
        Box::pin(async move {
            let found = self.read(CLIENT, &[Value::Bytes(&hash)]).await?;
            let row =
                |record: &Record| Ok(ClientRow { hash, ends: time(record, 0)?, body: record.bytes(1)? });
            found.first().map(row).transpose()
        })
    }

    fn keep_client(&self, hash: Hash, ends: DateTime<Utc>) -> Answer<'_, ()> {
        Box::pin(async move { self.run(KEEP_CLIENT, &[Value::Bytes(&hash), at(ends)]).await.map(drop) })
    }

    fn sweep(&self, now: DateTime<Utc>) -> Answer<'_, ()> {
        Box::pin(async move { self.run(SWEEP, &[at(now), at(now - KEPT)]).await.map(drop) })
    }
}

/// As ADD_GRANT and CHANGE_GRANT take them.
fn grant_values(grant: &GrantRow) -> [Value<'_>; 9] {
    [
        Value::Bytes(&grant.id),
        Value::Bytes(&grant.owner),
        Value::Int(grant.version),
        Value::Int(grant.generation),
        Value::Int(grant.again),
        at(grant.rotated),
        at(grant.ends),
        Value::Bytes(&grant.body),
        Value::Maybe(grant.login.as_deref()),
    ]
}

fn grant_of(record: &Record, from: usize) -> Result<GrantRow, Diagnostic> {
    Ok(GrantRow {
        id: bytes(record, from)?,
        owner: bytes(record, from + 1)?,
        version: record.int(from + 2)?,
        generation: record.int(from + 3)?,
        again: record.int(from + 4)?,
        rotated: time(record, from + 5)?,
        ends: time(record, from + 6)?,
        body: record.bytes(from + 7)?,
        login: record.maybe(from + 8)?,
    })
}

fn token_values(token: &TokenRow) -> [Value<'_>; 7] {
    [
        Value::Bytes(&token.hash),
        Value::Bytes(&token.grant),
        Value::Text(token.kind.word()),
        Value::Int(token.generation),
        Value::Text(&token.scopes),
        at(token.ends),
        Value::Maybe(token.key.as_deref()),
    ]
}

fn token_of(record: &Record) -> Result<TokenRow, Diagnostic> {
    Ok(TokenRow {
        hash: bytes(record, 0)?,
        grant: bytes(record, 1)?,
        kind: TokenKind::parse(&record.text(2)?).ok_or_else(altered)?,
        generation: record.int(3)?,
        scopes: record.text(4)?,
        ends: time(record, 5)?,
        key: record.maybe(6)?,
    })
}

impl TokenKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Code, Self::Access, Self::Refresh].into_iter().find(|kind| kind.word() == word)
    }
}

/// Microseconds since 1970.
fn at(time: DateTime<Utc>) -> Value<'static> {
    Value::Int(time.timestamp_micros())
}

fn time(record: &Record, column: usize) -> Result<DateTime<Utc>, Diagnostic> {
    DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::microseconds(record.int(column)?)).ok_or_else(altered)
}

fn bytes<const N: usize>(record: &Record, column: usize) -> Result<[u8; N], Diagnostic> {
    let bytes = record.bytes(column)?;
    bytes
        .try_into()
        .map_err(|_| Diagnostic::refused(SqlState::INTERNAL_ERROR, "the store holds another length"))
}
