//! A server whose callers come with tokens of a provider, and whose one database is used under their own logins.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pgwarden::auth::external::{LoginClient, ProviderSettings, Providers};
use pgwarden::auth::server::{Clock, Lifetimes, MemoryGrants, Sessions};
use pgwarden::auth::{Authenticator, Credentials, Ending, PublicUrl, Target};
use pgwarden::db::{ConnectionSettings, Proof};
use pgwarden::gateway::Gateway;
use pgwarden::mcp::{ApprovalPage, Authentication, Settings};
use pgwarden::store::MasterKey;
use pgwarden::telemetry::Telemetry;
use pgwarden::web::{Pages, PagesParts};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::browser::{Browser, Form, Page};
use super::keys::{Signer, claims, now, with};
use super::provider::Provider;
use crate::mcp_wire::{HttpPeer, STATELESS, stateless};
use crate::postgres::identities::own::CANARY;
use crate::postgres::identities::{Office, gateway};
use crate::support::{Cluster, Database, Template};

/// The database as the page says it.
pub const HOST: &str = "/tenancy";
/// Whom PostgreSQL sees.
pub const WHO: &str = "SELECT current_user, session_user, max(tenant) FROM app.notes";

pub struct Stage<'c> {
    pub office: Office<'c>,
    /// A role with the rights of the analysts, whose password is [`CANARY`].
    pub ada: String,
    pub gateway: Gateway,
    pub credentials: Arc<Credentials>,
    pub provider: Provider,
    pub signer: Signer,
    pub peer: HttpPeer,
    pub origin: String,
}

impl<'c> Stage<'c> {
    pub async fn furnished(cluster: &'c Cluster) -> Self {
        Self::open(Office::furnish(Database::create_in(cluster, Template::Empty).await).await).await
    }

    pub async fn open(office: Office<'c>) -> Self {
        let ada = office.person("ada", &office.analyst).await;
        let signer = Signer::p256();
        let provider = Provider::with_key(&signer, "k").await;
        Self::beside(office, ada, provider, signer).await
    }

    async fn beside(office: Office<'c>, ada: String, provider: Provider, signer: Signer) -> Self {
        let gateway = gateway(office.own(5, Duration::from_secs(300)));
        let (peer, credentials, origin) = replica(&office, &gateway, &provider).await;
        let (closing, mut endings) = (gateway.clone(), credentials.endings());
        tokio::spawn(async move {
            while let Ok(Ending { person, database }) = endings.recv().await {
                closing.close_login(&person, &database);
            }
        });
        Self { office, ada, gateway, credentials, provider, signer, peer, origin }
    }

    /// A token of that subject's through that client, which ends in so many seconds and the skew.
    pub fn token_for(&self, subject: &str, client: &str, seconds: i64) -> String {
        let claims = with(&claims(&self.provider.issuer), "sub", json!(subject));
        let claims = with(&with(&claims, "client_id", json!(client)), "exp", json!(now() + seconds));
        // No two of them are the same.
        let claims = with(&claims, "jti", json!(format!("{:?}", std::time::Instant::now())));
        self.signer.token(&json!({"alg": "ES256", "kid": "k"}), &claims)
    }

    pub fn token(&self, subject: &str) -> String {
        self.token_for(subject, "chat", 300)
    }

    /// A browser in which that subject has logged in at the provider.
    pub async fn browser_of(&self, subject: &str) -> Browser {
        let mut browser = Browser::new(&self.origin);
        self.log_in(&mut browser, subject, "/account").await;
        browser
    }

    /// To the provider and back; where that led on to.
    pub async fn log_in(&self, browser: &mut Browser, subject: &str, next: &str) -> String {
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let to = browser.open(&format!("/login/external/corp?next={next}")).await.location().to_owned();
        let asked: HashMap<String, String> = Url::parse(&to).unwrap().query_pairs().into_owned().collect();
        let claims = with(&with(&claims(&self.provider.issuer), "aud", json!("web")), "sub", json!(subject));
        let claims = with(&with(&claims, "client_id", Value::Null), "nonce", json!(asked["nonce"]));
        let id_token = self.signer.token(&json!({"alg": "ES256", "kid": "k"}), &claims);
        *self.provider.said.id_token.lock().unwrap() = id_token;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("code", "c0de")
            .append_pair("state", &asked["state"])
            .append_pair("iss", &self.provider.issuer)
            .finish();
        browser.open(&format!("/login/callback?{query}")).await.location().to_owned()
    }

    /// `query` by a client of 2026-07-28; `url` is whether it has the URL mode.
    pub async fn ask(&self, peer: &HttpPeer, token: &str, url: bool, more: Value) -> Value {
        let mut params = json!({"name": "query", "arguments": {"sql": WHO}});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut asks = stateless(7, "tools/call", params);
        if url {
            asks["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
                json!({"elicitation": {"url": {}}});
        }
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("mcp-protocol-version", STATELESS),
            ("mcp-method", "tools/call"),
            ("mcp-name", "query"),
        ];
        let answer = peer.post(&headers, asks).await;
        assert!(!answer.text.contains(CANARY), "{}", answer.text);
        answer.json()
    }

    /// The path of the page that a call without the URL mode is told of.
    pub async fn link(&self, token: &str) -> String {
        let answer = self.ask(&self.peer, token, false, json!({})).await;
        self.path_in(&text(&answer))
    }

    pub fn path_in(&self, words: &str) -> String {
        let (_, rest) = words.split_once(&self.origin).unwrap_or_else(|| panic!("no link: {words}"));
        rest.split([';', '"', ' ']).next().unwrap().to_owned()
    }

    /// Gives the login at the page.
    pub async fn give(&self, browser: &mut Browser, path: &str, role: &str, password: &str) -> Page {
        let form = self.form(browser, path).await;
        browser.submit(&form.with("role", role).with("password", password)).await
    }

    pub async fn form(&self, browser: &mut Browser, path: &str) -> Form {
        browser.open(path).await.form(path)
    }

    /// The rows of an answer, where PostgreSQL saw `role`.
    pub fn seen(&self, role: &str) -> Value {
        json!([[role, role, "a"]])
    }
}

/// Another process of the same configuration, before the same database.
pub async fn replica(
    office: &Office<'_>,
    gateway: &Gateway,
    provider: &Provider,
) -> (HttpPeer, Arc<Credentials>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let client = LoginClient { client_id: "web".to_owned(), client_secret: None, scopes: Vec::new() };
    let settings = ProviderSettings { login: Some(client), ..provider.settings() };
    let providers = Arc::new(Providers::new(vec![settings]).unwrap());
    let credentials = credentials(office, vec![provider.issuer.clone()]);
    let key = MasterKey::new([9; 32]);
    let sessions =
        Sessions::new(Arc::new(MemoryGrants::default()), &key, &Lifetimes::default(), Clock::default());
    let pages = Pages::new(PagesParts {
        public_url: PublicUrl::parse(&origin).unwrap(),
        hosts: Vec::new(),
        key,
        sessions,
        server: None,
        providers: providers.logins(),
        gateway: gateway.clone().into(),
        credentials: Some(credentials.clone()),
    });
    let settings = Settings {
        approvals: ApprovalPage::public(&origin),
        credentials: Some(credentials.clone()),
        ..Settings::default()
    };
    let authentication = Authentication::Bearer(Authenticator::new(vec![providers]));
    let peer = HttpPeer::on(listener, gateway.clone(), authentication, pages, settings);
    (peer, credentials, origin)
}

pub fn credentials(office: &Office<'_>, issuers: Vec<String>) -> Arc<Credentials> {
    credentials_at(office, issuers, Clock::default())
}

pub fn credentials_at(office: &Office<'_>, issuers: Vec<String>, clock: Clock) -> Arc<Credentials> {
    let connection = ConnectionSettings::parse(&office.database.url(&office.login), &|_| None).unwrap();
    let target = Target {
        name: "office".to_owned(),
        host: HOST.to_owned(),
        roles: Arc::new(Proof::new(&connection, Vec::new())),
    };
    Arc::new(Credentials::new(vec![target], issuers, Telemetry::default(), clock).unwrap())
}

/// What a model reads of a tool's answer.
pub fn text(answer: &Value) -> String {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {answer}")).to_owned()
}

pub fn rows(answer: &Value) -> &Value {
    let rows = &answer["result"]["structuredContent"]["rows"];
    assert!(rows.is_array(), "{answer}");
    rows
}

pub fn is_lacking(answer: &Value) -> bool {
    answer["result"]["isError"] == true && text(answer).contains("RULE:  login.own")
}
