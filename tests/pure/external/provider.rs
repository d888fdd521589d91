//! An OpenID provider over HTTP: metadata, keys, introspection, tokens for codes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::serve::Listener;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use pgwarden::auth::external::ProviderSettings;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::RESOURCE;
use super::keys::Signer;

#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    pub said: Arc<Said>,
}

/// What it answers, and how often it was asked.
#[derive(Default)]
pub struct Said {
    pub keys: Mutex<Vec<Value>>,
    /// By the token.
    pub introspection: Mutex<HashMap<String, Value>>,
    /// For the one code.
    pub id_token: Mutex<String>,
    /// Of the last request for tokens.
    pub asked: Mutex<(Option<String>, HashMap<String, String>)>,
    /// Instead of the provider's own.
    pub metadata_issuer: Mutex<Option<String>>,
    pub down: AtomicBool,
    pub key_fetches: AtomicUsize,
    pub metadata_fetches: AtomicUsize,
    /// Milliseconds before it answers.
    pub slow: AtomicUsize,
    pub introspections: AtomicUsize,
}

impl Provider {
    pub async fn start(keys: Vec<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realms/x", listener.local_addr().unwrap());
        Self::serve(listener, issuer, keys)
    }

    /// By the listener, under that name.
    pub fn serve<L: Listener<Addr: std::fmt::Debug>>(listener: L, issuer: String, keys: Vec<Value>) -> Self {
        let said = Arc::new(Said { keys: Mutex::new(keys), ..Said::default() });
        let provider = Self { issuer, said };
        let router = Router::new()
            .route("/realms/x/.well-known/openid-configuration", get(metadata))
            .route("/realms/x/keys", get(key_set))
            .route("/realms/x/moved", get(moved))
            .route("/realms/x/introspect", post(introspect))
            .route("/realms/x/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// With one key of that name.
    pub async fn with_key(signer: &Signer, kid: &str) -> Self {
        Self::start(vec![signer.jwk(kid)]).await
    }

    pub fn settings(&self) -> ProviderSettings {
        self.settings_as("corp")
    }

    pub fn settings_as(&self, name: &str) -> ProviderSettings {
        ProviderSettings::new(name, &self.issuer, RESOURCE)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    pub fn turn(&self, down: bool) {
        self.said.down.store(down, Ordering::Relaxed);
    }

    pub fn key_fetches(&self) -> usize {
        self.said.key_fetches.load(Ordering::Relaxed)
    }

    pub fn metadata_fetches(&self) -> usize {
        self.said.metadata_fetches.load(Ordering::Relaxed)
    }

    async fn answer(&self, answer: Value) -> Response {
        let slow = self.said.slow.load(Ordering::Relaxed);
        tokio::time::sleep(std::time::Duration::from_millis(slow as u64)).await;
        if self.said.down.load(Ordering::Relaxed) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Json(answer).into_response()
    }
}

async fn metadata(State(provider): State<Provider>) -> Response {
    provider.said.metadata_fetches.fetch_add(1, Ordering::Relaxed);
    let issuer = provider.said.metadata_issuer.lock().unwrap().clone();
    provider
        .answer(json!({
            "issuer": issuer.unwrap_or(provider.issuer.clone()),
            "jwks_uri": provider.url("/keys"),
            "authorization_endpoint": provider.url("/authorize?tenant=1"),
            "token_endpoint": provider.url("/token"),
            "authorization_response_iss_parameter_supported": true,
        }))
        .await
}

async fn key_set(State(provider): State<Provider>) -> Response {
    provider.said.key_fetches.fetch_add(1, Ordering::Relaxed);
    let keys = provider.said.keys.lock().unwrap().clone();
    provider.answer(json!({"keys": keys})).await
}

async fn moved(State(provider): State<Provider>) -> Response {
    axum::response::Redirect::temporary(&provider.url("/keys")).into_response()
}

async fn introspect(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    provider.said.introspections.fetch_add(1, Ordering::Relaxed);
    // `pgwarden:s3cret+`, both form-encoded first.
    if headers.get("authorization").is_none_or(|given| given != "Basic cGd3YXJkZW46czNjcmV0JTJC") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let known = provider.said.introspection.lock().unwrap().get(&form["token"]).cloned();
    provider.answer(known.unwrap_or(json!({"active": false}))).await
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let credentials = headers.get("authorization").map(|given| given.to_str().unwrap().to_owned());
    *provider.said.asked.lock().unwrap() = (credentials, form);
    let id_token = provider.said.id_token.lock().unwrap().clone();
    provider.answer(json!({"access_token": "at", "token_type": "Bearer", "id_token": id_token})).await
}
