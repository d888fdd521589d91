//! An authorization server with a clock that the test moves, roles that are played, and documents from memory.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use pgwarden::auth::server::{
    AuthorizationServer, Clock, FetchError, Fetched, Fetcher, GrantStore, MemoryGrants, Opaque, Parts,
    Pending, PostgresGrants, Roles, Session, Settings, StaticClient, TokenAnswer, TokenError, TokenRequest,
};
use pgwarden::auth::{Admitted, Scope, Verdict, Verifier as _};
use pgwarden::db::{ConnectionSettings, ProofError, RoleFacts};
use pgwarden::pg::Diagnostic;
use pgwarden::store::MasterKey;
use pgwarden::store::migrate::migrate;
use pgwarden::telemetry::Telemetry;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::support::Database;

pub const ISSUER: &str = "https://db.example";
pub const RESOURCE: &str = "https://db.example/mcp";
pub const PASSWORD: &str = "canary-open-sesame";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CLAUDE: &str = "https://claude.ai/oauth/claude-code-client-metadata";
pub const WEB: (&str, &str) = ("web-app", "https://app.example/callback");
pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

pub struct Stage {
    pub server: Arc<AuthorizationServer>,
    pub store: Arc<dyn GrantStore>,
    pub roles: Arc<Played>,
    pub documents: Arc<Documents>,
    hand: Arc<Mutex<DateTime<Utc>>>,
}

/// Each role has the same password, and what the test says of it.
#[derive(Debug, Default)]
pub struct Played {
    pub facts: Mutex<HashMap<String, RoleFacts>>,
    pub proofs: AtomicUsize,
}

#[derive(Debug, Default)]
pub struct Documents {
    pub of: Mutex<HashMap<String, Fetched>>,
    pub fetched: AtomicUsize,
}

pub fn facts(role: &str, memberships: &[&str], change: impl FnOnce(&mut serde_json::Value)) -> RoleFacts {
    let mut facts = json!({
        "role": role, "oid": 16_385, "ours": false, "may_log_in": true, "superuser": false, "bypassrls": false, "replication": false,
        "createrole": false, "powerful": false, "memberships": memberships,
    });
    change(&mut facts);
    serde_json::from_value(facts).unwrap()
}

impl Roles for Played {
    fn prove<'a>(&'a self, role: &'a str, password: &'a str) -> BoxFuture<'a, Result<RoleFacts, ProofError>> {
        Box::pin(async move {
            self.proofs.fetch_add(1, Ordering::Relaxed);
            let facts = self.facts.lock().unwrap().get(role).cloned();
            facts.filter(|_| password == PASSWORD).ok_or(ProofError::Refused("PostgreSQL refused the login"))
        })
    }

    fn standing<'a>(&'a self, role: &'a str) -> BoxFuture<'a, Result<Option<RoleFacts>, Diagnostic>> {
        Box::pin(async move { Ok(self.facts.lock().unwrap().get(role).cloned()) })
    }
}

impl Fetcher for Documents {
    fn fetch<'a>(&'a self, url: &'a url::Url) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        Box::pin(async move {
            self.fetched.fetch_add(1, Ordering::Relaxed);
            self.of.lock().unwrap().get(url.as_str()).cloned().ok_or(FetchError::Status)
        })
    }
}

pub fn settings() -> Settings {
    let client = |id: &str, uri: &str, secret: Option<&str>| StaticClient {
        id: id.to_owned(),
        name: format!("The {id}"),
        redirect_uris: vec![uri.to_owned()],
        secret_sha256: secret.map(|secret| Sha256::digest(secret).into()),
    };
    Settings {
        clients: vec![
            client(WEB.0, WEB.1, None),
            client("secretive", "https://secretive.example/cb", Some("s+cret")),
            client("native", "http://localhost/callback", None),
            client("native-app", "com.example.app:/cb", None),
        ],
        scope_roles: vec![(Scope::Approve, vec!["lead".to_owned()])],
        ..Settings::new(ISSUER, RESOURCE)
    }
}

impl Stage {
    pub fn in_memory(settings: Settings) -> Self {
        Self::with(settings, Arc::new(MemoryGrants::default()))
    }

    pub async fn in_postgresql(settings: Settings, database: &Database<'_>) -> Self {
        migrate(&connection(database)).await.unwrap();
        Self::replica(settings, database).await
    }

    /// Another process with the same store.
    pub async fn replica(settings: Settings, database: &Database<'_>) -> Self {
        Self::with(settings, Arc::new(PostgresGrants::open(connection(database)).await.unwrap()))
    }

    pub fn with(settings: Settings, store: Arc<dyn GrantStore>) -> Self {
        let hand = Arc::new(Mutex::new(Utc::now()));
        let (roles, documents) = (Arc::new(Played::default()), Arc::new(Documents::default()));
        roles.facts.lock().unwrap().insert("ada".to_owned(), facts("ada", &["staff", "odd, name"], |_| {}));
        let body = json!({
            "client_id": CLAUDE, "client_name": "Claude Code",
            "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback", "https://claude.ai/cb"],
        });
        let document = Fetched { body: body.to_string().into_bytes(), max_age: None };
        documents.of.lock().unwrap().insert(CLAUDE.to_owned(), document);
        let parts = Parts {
            store: Arc::clone(&store),
            key: MasterKey::new([7; 32]),
            roles: Arc::clone(&roles) as Arc<dyn Roles>,
            fetcher: Arc::clone(&documents) as Arc<dyn Fetcher>,
            telemetry: Telemetry::default(),
            clock: Clock::new({
                let hand = Arc::clone(&hand);
                move || *hand.lock().unwrap()
            }),
        };
        Self { server: Arc::new(AuthorizationServer::new(settings, parts)), store, roles, documents, hand }
    }

    pub fn later(&self, by: TimeDelta) {
        *self.hand.lock().unwrap() += by;
    }

    pub async fn log_in(&self, role: &str) -> Session {
        let cookie = self.server.login(role, Zeroizing::new(PASSWORD.to_owned()), HERE).await.unwrap();
        self.server.sessions().find(cookie.reveal()).await.unwrap().unwrap()
    }

    /// The session of a new browser's cookie.
    pub async fn cookie(&self, role: &str) -> Opaque {
        self.server.login(role, Zeroizing::new(PASSWORD.to_owned()), HERE).await.unwrap()
    }

    pub async fn pending(&self, session: &Session, query: &[(String, String)]) -> Pending {
        let asked = self.server.authorize(query).await.unwrap();
        self.server.resolve(&asked, session).await.unwrap()
    }

    /// From the question to the redirect with the code.
    pub async fn code(&self, session: &Session, query: &[(String, String)]) -> String {
        let pending = self.pending(session, query).await;
        parameter(&self.server.approve(&pending, session).await.unwrap(), "code").unwrap()
    }

    pub async fn token(&self, form: &[(&str, &str)]) -> Result<TokenAnswer, TokenError> {
        let form = pairs(form);
        self.server.token(TokenRequest { form: &form, authorization: None }).await
    }

    /// As the client of [`WEB`].
    pub async fn exchange(&self, code: &str) -> Result<TokenAnswer, TokenError> {
        self.token(&exchange(code)).await
    }

    pub async fn refresh(&self, token: &str) -> Result<TokenAnswer, TokenError> {
        self.token(&[("grant_type", "refresh_token"), ("client_id", WEB.0), ("refresh_token", token)]).await
    }

    pub async fn revoke(&self, client: &str, token: &str) -> Result<(), TokenError> {
        let form = pairs(&[("client_id", client), ("token", token)]);
        self.server.revoke(TokenRequest { form: &form, authorization: None }).await
    }

    /// Ada's tokens for the client of [`WEB`].
    pub async fn tokens(&self) -> TokenAnswer {
        let session = self.log_in("ada").await;
        let code = self.code(&session, &query(&[])).await;
        self.exchange(&code).await.unwrap()
    }

    pub async fn admitted(&self, token: &str) -> Option<Admitted> {
        match self.server.verify(token, None).await {
            Verdict::Admitted(admitted) => Some(*admitted),
            Verdict::Invalid => None,
            other => panic!("{other:?}"),
        }
    }
}

pub fn connection(database: &Database<'_>) -> ConnectionSettings {
    ConnectionSettings::parse(&database.admin_url(), &|_| None).unwrap()
}

pub fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

/// A good question by the client of [`WEB`], but for what is changed; without a value it is left out.
pub fn query(changes: &[(&str, Option<&str>)]) -> Vec<(String, String)> {
    let challenge = challenge();
    let good = [
        ("client_id", WEB.0),
        ("redirect_uri", WEB.1),
        ("response_type", "code"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("resource", RESOURCE),
        ("scope", "read write"),
        ("state", "st&te"),
    ];
    let kept = good.into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let changed = changes.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    pairs(&kept.chain(changed).collect::<Vec<_>>())
}

pub fn exchange(code: &str) -> [(&str, &str); 6] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", WEB.0),
        ("redirect_uri", WEB.1),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("resource", RESOURCE),
    ]
}

pub fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Each function, against both stores.
macro_rules! with_both_stores {
    ($($name:ident: $settings:expr;)*) => {
        $(
            mod $name {
                use super::*;

                #[tokio::test]
                async fn in_memory() {
                    super::$name(Stage::in_memory($settings)).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn in_postgresql() {
                    let database = crate::support::Database::create(crate::support::Template::Empty).await;
                    super::$name(Stage::in_postgresql($settings, &database).await).await;
                }
            }
        )*
    };
}
pub(super) use with_both_stores;
