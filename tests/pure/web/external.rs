//! Logging in at another provider: there and back, in one browser, once.

use std::collections::HashMap;

use pgwarden::auth::external::{LoginClient, ProviderSettings, Providers};
use serde_json::{Value, json};
use url::Url;

use super::browser::{Browser, Page};
use super::house::House;
use crate::pure::external::keys::{Signer, claims, with};
use crate::pure::external::provider::Provider;

struct Beside {
    house: House,
    provider: Provider,
    signer: Signer,
}

impl Beside {
    async fn open() -> Self {
        let signer = Signer::p256();
        let provider = Provider::with_key(&signer, "k").await;
        let client = LoginClient { client_id: "web".to_owned(), client_secret: None, scopes: Vec::new() };
        let settings = ProviderSettings { login: Some(client), ..provider.settings() };
        let house = House::beside(Providers::new(vec![settings]).unwrap().logins()).await;
        Self { house, provider, signer }
    }

    /// To the provider; what it was asked.
    async fn begin(&self, browser: &mut Browser, next: &str) -> HashMap<String, String> {
        let to = browser.open(&format!("/login/external/corp?next={next}")).await.location().to_owned();
        assert!(to.starts_with(&self.provider.url("/authorize?")), "{to}");
        let asked: HashMap<String, String> = Url::parse(&to).unwrap().query_pairs().into_owned().collect();
        assert_eq!(asked["redirect_uri"], format!("{}/login/callback", self.house.origin));
        let claims = with(&claims(&self.provider.issuer), "aud", json!("web"));
        let claims = with(&with(&claims, "client_id", Value::Null), "nonce", json!(asked["nonce"]));
        let header = json!({"alg": "ES256", "kid": "k"});
        *self.provider.said.id_token.lock().unwrap() = self.signer.token(&header, &claims);
        asked
    }

    async fn come_back(&self, browser: &mut Browser, state: &str) -> Page {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("code", "c0de")
            .append_pair("state", state)
            .append_pair("iss", &self.provider.issuer)
            .finish();
        browser.open(&format!("/login/callback?{query}")).await
    }
}

#[tokio::test]
async fn somebody_logs_in_at_another_provider() {
    let beside = Beside::open().await;
    let mut browser = beside.house.browser();
    let login = browser.open("/login?next=%2Fapprovals").await;
    assert!(login.text.contains("Continue with corp"), "{}", login.text);
    let asked = beside.begin(&mut browser, "%2Fapprovals").await;
    assert_eq!(beside.come_back(&mut browser, &asked["state"]).await.location(), "/approvals");
    assert!(browser.open("/account").await.text.contains("Logged in as <strong>ada</strong>"));
    assert_eq!(browser.cookies.len(), 1, "only the session is left: {:?}", browser.cookies.keys());
}

#[tokio::test]
async fn an_answer_counts_in_the_browser_that_asked_and_once() {
    let beside = Beside::open().await;
    let (mut attacker, mut victim) = (beside.house.browser(), beside.house.browser());
    let asked = beside.begin(&mut attacker, "").await;
    let foreign = beside.come_back(&mut victim, &asked["state"]).await;
    assert_eq!(foreign.status, 400, "{}", foreign.text);
    assert!(foreign.text.contains("begun elsewhere"));
    beside.begin(&mut victim, "").await;
    assert_eq!(beside.come_back(&mut victim, &asked["state"]).await.status, 400, "another login's state");
    assert!(victim.cookies.is_empty());

    let mut browser = beside.house.browser();
    let asked = beside.begin(&mut browser, "").await;
    assert_eq!(beside.come_back(&mut browser, &asked["state"]).await.status, 303);
    assert_eq!(beside.come_back(&mut browser, &asked["state"]).await.status, 400, "again");
}

#[tokio::test]
async fn what_a_browser_keeps_of_a_login_cannot_be_read_or_changed() {
    let beside = Beside::open().await;
    let mut browser = beside.house.browser();
    let asked = beside.begin(&mut browser, "").await;
    let (name, sealed) =
        browser.cookies.iter().next().map(|(name, value)| (name.clone(), value.clone())).unwrap();
    assert!(!sealed.contains(&asked["state"]) && !sealed.contains(&asked["nonce"]));
    let mut changed = sealed.into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    browser.cookies.insert(name, String::from_utf8(changed).unwrap());
    assert_eq!(beside.come_back(&mut browser, &asked["state"]).await.status, 400);
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn a_provider_that_is_down_or_unknown_logs_nobody_in() {
    let beside = Beside::open().await;
    let mut browser = beside.house.browser();
    assert_eq!(browser.open("/login/external/other").await.status, 404);
    beside.provider.turn(true);
    let page = browser.open("/login/external/corp").await;
    assert_eq!(page.status, 503);
    assert!(
        page.text.contains("does not answer") && !page.text.contains(&beside.provider.issuer),
        "{}",
        page.text
    );
}
