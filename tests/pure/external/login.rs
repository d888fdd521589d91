//! People log in at a provider with their browser.

use std::collections::HashMap;

use pgwarden::auth::external::{
    Callback, Login, LoginClient, LoginError, ProviderSettings, Providers, Secrecy,
};
use serde_json::{Value, json};
use url::Url;

use super::keys::{Signer, base64, claims, with};
use super::provider::Provider;

const REDIRECT: &str = "https://db.example/login/callback";

fn login(provider: &Provider, secret: Option<&str>) -> Login {
    let settings = ProviderSettings {
        login: Some(LoginClient {
            client_id: "web".to_owned(),
            client_secret: secret.map(|secret| Secrecy::new(secret.to_owned().into())),
            scopes: vec!["profile".to_owned()],
        }),
        claims: [("role".to_owned(), "groups".to_owned())].into(),
        ..provider.settings()
    };
    Providers::new(vec![settings]).unwrap().logins().remove(0)
}

fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

fn identity(provider: &Provider, nonce: &str) -> Value {
    let claims = with(&claims(&provider.issuer), "aud", json!("web"));
    let claims = with(&with(&claims, "client_id", Value::Null), "groups", json!(["dba", "staff"]));
    with(&claims, "nonce", json!(nonce))
}

fn callback(provider: &Provider, state: &str) -> Callback {
    Callback {
        code: Some("c0de".to_owned()),
        state: Some(state.to_owned()),
        iss: Some(provider.issuer.clone()),
        error: None,
    }
}

#[tokio::test]
async fn a_login_goes_there_and_back() {
    let signer = Signer::p256();
    let provider = Provider::with_key(&signer, "k").await;
    for secret in [None, Some("s3cret+")] {
        let login = login(&provider, secret);
        assert_eq!((login.name(), login.issuer()), ("corp", provider.issuer.as_str()));
        let begun = login.begin(REDIRECT).await.unwrap();
        let asked = query(&begun.url);
        assert!(begun.url.starts_with(&provider.url("/authorize?")));
        for (name, value) in [
            ("tenant", "1"),
            ("response_type", "code"),
            ("client_id", "web"),
            ("redirect_uri", REDIRECT),
            ("scope", "openid profile"),
            ("state", begun.state.state.as_str()),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(asked[name], value);
        }
        assert!(asked["state"].len() >= 43 && asked["nonce"].len() >= 43 && asked["state"] != asked["nonce"]);
        assert_eq!(format!("{:?}", begun.state), "LoginState(..)");

        let id_token =
            signer.token(&json!({"alg": "ES256", "kid": "k"}), &identity(&provider, &asked["nonce"]));
        *provider.said.id_token.lock().unwrap() = id_token;
        // It can be kept in between.
        let kept = serde_json::from_str(&serde_json::to_string(&begun.state).unwrap()).unwrap();
        let caller = login.finish(&callback(&provider, &asked["state"]), kept).await.unwrap();
        assert_eq!((caller.issuer.as_str(), caller.subject.as_str()), (provider.issuer.as_str(), "ada"));
        assert_eq!(caller.claims.get("role"), Some("dba,staff"));
        assert_eq!(caller.scopes.to_string(), "read");

        let (credentials, form) = provider.said.asked.lock().unwrap().clone();
        assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", "c0de"));
        assert_eq!(form["redirect_uri"], REDIRECT);
        assert!(!form.contains_key("client_secret"));
        assert_eq!(credentials.is_some(), secret.is_some());
        let challenge = ring::digest::digest(&ring::digest::SHA256, form["code_verifier"].as_bytes());
        assert_eq!(asked["code_challenge"], base64(challenge));
    }
}

#[tokio::test]
async fn what_does_not_belong_to_the_login_is_refused() {
    let (signer, evil) = (Signer::p256(), Signer::p256());
    let provider = Provider::with_key(&signer, "k").await;
    let login = login(&provider, None);
    let finish = async |changed: &dyn Fn(&mut Callback), id_token: &dyn Fn(&str) -> String| {
        let begun = login.begin(REDIRECT).await.unwrap();
        *provider.said.id_token.lock().unwrap() = id_token(&query(&begun.url)["nonce"]);
        let mut callback = callback(&provider, &begun.state.state);
        changed(&mut callback);
        login.finish(&callback, begun.state).await.map(|caller| caller.subject)
    };
    let same = |_: &mut Callback| {};
    let header = json!({"alg": "ES256", "kid": "k"});
    let good = |nonce: &str| signer.token(&header, &identity(&provider, nonce));
    assert_eq!(finish(&same, &good).await.as_deref(), Ok("ada"));

    let mut passed = Vec::new();
    let mut expect = |name: String, found: Result<String, LoginError>, expected: LoginError| {
        if found != Err(expected) {
            passed.push((name, found));
        }
    };
    let (stale, untrusted) = (LoginError::Stale, LoginError::Untrusted);
    let another = || Some("https://evil.example".to_owned());
    let back = finish(&|back| back.state = None, &good).await;
    expect("no state".to_owned(), back, stale);
    let back = finish(&|back| back.state = another(), &good).await;
    expect("another state".to_owned(), back, stale);
    let back = finish(&|back| back.iss = another(), &good).await;
    expect("another issuer".to_owned(), back, untrusted);
    let back = finish(&|back| back.iss = None, &good).await;
    expect("no issuer, which the metadata promises".to_owned(), back, untrusted);
    let back = finish(&|back| back.error = Some("access_denied".to_owned()), &good).await;
    expect("an error".to_owned(), back, LoginError::Refused);
    let back = finish(&|back| back.code = None, &good).await;
    expect("no code".to_owned(), back, LoginError::Refused);

    let claim = |name: &'static str, value: Value| {
        let (signer, header, provider) = (&signer, &header, &provider);
        move |nonce: &str| signer.token(header, &with(&identity(provider, nonce), name, value.clone()))
    };
    for (name, value) in [
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("aud", json!(super::RESOURCE)),
        ("aud", json!(["web", "else"])),
        ("azp", json!("else")),
        ("iss", json!("https://evil.example")),
        ("exp", json!(1)),
        ("exp", Value::Null),
        ("sub", Value::Null),
    ] {
        let back = finish(&same, &claim(name, value.clone())).await;
        expect(format!("{name} {value}"), back, untrusted);
    }
    let back = finish(&same, &|nonce| evil.token(&header, &identity(&provider, nonce))).await;
    expect("another key".to_owned(), back, untrusted);
    let access = json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"});
    let back = finish(&same, &|nonce| signer.token(&access, &identity(&provider, nonce))).await;
    expect("an access token".to_owned(), back, untrusted);
    let back = finish(&same, &|_| "nonsense".to_owned()).await;
    expect("no token".to_owned(), back, untrusted);
    assert!(passed.is_empty(), "{passed:?}");

    let begun = login.begin(REDIRECT).await.unwrap();
    provider.turn(true);
    let unavailable = Err(LoginError::Unavailable);
    let back = callback(&provider, &begun.state.state);
    assert_eq!(login.finish(&back, begun.state).await.map(|caller| caller.subject), unavailable);
}

#[tokio::test]
async fn however_many_logins_begin_the_provider_is_asked_once() {
    let provider = Provider::with_key(&Signer::p256(), "k").await;
    let login = login(&provider, None);
    provider.turn(true);
    for _ in 0..20 {
        assert!(matches!(login.begin(REDIRECT).await, Err(LoginError::Unavailable)));
    }
    assert_eq!(provider.metadata_fetches(), 1);
    let provider = Provider::with_key(&Signer::p256(), "k").await;
    let login = self::login(&provider, None);
    for _ in 0..20 {
        login.begin(REDIRECT).await.unwrap();
    }
    assert_eq!(provider.metadata_fetches(), 1);
}

#[tokio::test]
async fn an_identity_is_no_access_token() {
    let signer = Signer::p256();
    let provider = Provider::with_key(&signer, "k").await;
    let peer = super::guarded(vec![provider.settings()]).await;
    let id_token = signer.token(&json!({"alg": "ES256", "kid": "k"}), &identity(&provider, "n"));
    assert_eq!(super::present(&peer, &id_token).await.status, 401);
}
