//! Opaque tokens, which only their provider can read.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pgwarden::auth::external::{
    ClientCredentials, Introspection, ProviderError, ProviderSettings, Providers, Secrecy, Timing,
};
use serde_json::{Value, json};

use super::keys::{claims, now, with};
use super::provider::Provider;
use super::{METADATA, challenge, guarded, present, present_from};
use crate::wait::until;

fn asking(provider: &Provider, believed: Duration) -> ProviderSettings {
    let client_secret = Secrecy::new("s3cret+".to_owned().into());
    ProviderSettings {
        introspection: Some(Introspection {
            url: provider.url("/introspect"),
            client: ClientCredentials { client_id: "pgwarden".to_owned(), client_secret },
        }),
        timing: Timing { introspected: believed, ..Timing::default() },
        ..provider.settings()
    }
}

fn knows(provider: &Provider, token: &str, answer: Value) {
    provider.said.introspection.lock().unwrap().insert(token.to_owned(), answer);
}

fn questions(provider: &Provider) -> usize {
    provider.said.introspections.load(Ordering::Relaxed)
}

#[tokio::test]
async fn an_active_token_for_us_passes_and_no_other() {
    let provider = Provider::start(Vec::new()).await;
    let peer = guarded(vec![asking(&provider, Duration::from_secs(60))]).await;
    let active = with(&claims(&provider.issuer), "active", json!(true));
    knows(&provider, "good", active.clone());
    knows(&provider, "without-issuer", with(&active, "iss", Value::Null));
    knows(&provider, "bearer", with(&active, "token_type", json!("bearer")));
    for token in ["good", "without-issuer", "bearer"] {
        let answer = present(&peer, token).await;
        assert_eq!(answer.status, 200, "{token}: {}", answer.text);
    }
    let mut passed = Vec::new();
    for (token, answer) in [
        ("inactive", with(&active, "active", json!(false))),
        ("active-in-words", with(&active, "active", json!("true"))),
        ("active-not-said", with(&active, "active", Value::Null)),
        ("for-another", with(&active, "aud", json!("https://else.example"))),
        ("for-nobody", with(&active, "aud", Value::Null)),
        ("expired", with(&active, "exp", json!(now() - 120))),
        ("endless", with(&active, "exp", Value::Null)),
        ("of-another", with(&active, "iss", json!("https://evil.example"))),
        ("endless-by-number", with(&active, "exp", json!(1e300))),
        ("bound", with(&active, "cnf", json!({"jkt": "x"}))),
        ("of-an-event", with(&active, "events", json!({}))),
        ("identity", with(&active, "nonce", json!("n"))),
        ("dpop", with(&active, "token_type", json!("DPoP"))),
        ("refresh", with(&active, "token_type", json!("refresh_token"))),
        ("odd-type", with(&active, "token_type", json!(["Bearer"]))),
        ("of-nobody", with(&active, "sub", Value::Null)),
    ] {
        knows(&provider, token, answer);
        let answer = present(&peer, token).await;
        let expected = format!(
            r#"Bearer realm="pgwarden", error="invalid_token", resource_metadata="{METADATA}", scope="read""#
        );
        if answer.status != 401 || challenge(&answer) != expected {
            passed.push(token);
        }
    }
    assert!(passed.is_empty(), "{passed:?}");
    assert_eq!(present(&peer, "unknown").await.status, 401);
}

#[tokio::test]
async fn an_answer_is_believed_for_a_moment_and_a_revocation_seen_after_it() {
    let provider = Provider::start(Vec::new()).await;
    let peer = guarded(vec![asking(&provider, Duration::from_millis(700))]).await;
    knows(&provider, "t", with(&claims(&provider.issuer), "active", json!(true)));
    for _ in 0..5 {
        assert_eq!(present(&peer, "t").await.status, 200);
    }
    assert_eq!(questions(&provider), 1);
    knows(&provider, "t", json!({"active": false}));
    tokio::time::sleep(Duration::from_millis(750)).await;
    for _ in 0..5 {
        assert_eq!(present(&peer, "t").await.status, 401);
    }
    assert_eq!(questions(&provider), 2);
    provider.turn(true);
    assert_eq!(present(&peer, "another").await.status, 503);
}

#[tokio::test]
async fn nobody_waits_long_for_others_questions() {
    let provider = Provider::start(Vec::new()).await;
    let peer = guarded(vec![asking(&provider, Duration::from_secs(60))]).await;
    knows(&provider, "good", with(&claims(&provider.issuer), "active", json!(true)));
    assert_eq!(present(&peer, "good").await.status, 200);
    provider.said.slow.store(5_000, Ordering::Relaxed);
    let garbage = async |number: u8| present_from(&peer, 2 + number % 4, &format!("garbage-{number}")).await;
    let all = join_all((0..16).map(garbage));
    let another = async {
        until("all sixteen are asked about", async || (questions(&provider) == 17).then_some(())).await;
        let begun = Instant::now();
        let answer = present(&peer, "another").await;
        assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (503, "5"));
        assert!(begun.elapsed() < Duration::from_millis(3_500), "{:?}", begun.elapsed());
        // What is known is not asked about.
        assert_eq!(present(&peer, "good").await.status, 200);
    };
    let (statuses, ()) = tokio::join!(all, another);
    assert_eq!(statuses, [401; 16]);
    assert_eq!(questions(&provider), 17);
}

#[tokio::test]
async fn one_address_leaves_turns_to_others() {
    let provider = Provider::start(Vec::new()).await;
    let peer = guarded(vec![asking(&provider, Duration::from_secs(60))]).await;
    knows(&provider, "good", with(&claims(&provider.issuer), "active", json!(true)));
    provider.said.slow.store(2_000, Ordering::Relaxed);
    let garbage = async |number: u8| present_from(&peer, 2, &format!("garbage-{number}")).await;
    let all = join_all((0..20).map(garbage));
    let another = async {
        until("four are asked about", async || (questions(&provider) == 4).then_some(())).await;
        let begun = Instant::now();
        assert_eq!(present_from(&peer, 3, "good").await, 200);
        assert!(begun.elapsed() < Duration::from_millis(3_500), "{:?}", begun.elapsed());
    };
    let (statuses, ()) = tokio::join!(all, another);
    assert!(statuses.contains(&401) && statuses.contains(&503), "{statuses:?}");
}

#[tokio::test]
async fn whoever_hangs_up_keeps_their_turn() {
    let provider = Provider::start(Vec::new()).await;
    let peer = guarded(vec![asking(&provider, Duration::from_secs(60))]).await;
    provider.said.slow.store(3_000, Ordering::Relaxed);
    for number in 0..20 {
        let token = format!("garbage-{number}");
        let left = tokio::time::timeout(Duration::from_millis(60), present_from(&peer, 2, &token)).await;
        assert!(left.is_err(), "{left:?}");
    }
    assert!((1..=4).contains(&questions(&provider)), "{}", questions(&provider));
}

#[tokio::test]
async fn tokens_of_our_own_are_shown_to_no_provider() {
    let provider = Provider::start(Vec::new()).await;
    let peer = guarded(vec![asking(&provider, Duration::ZERO)]).await;
    for token in ["pgw_0011_secret", "pgwa_secret", "pgwr_secret"] {
        assert_eq!(present(&peer, token).await.status, 401, "{token}");
    }
    // Signed by somebody, if badly: theirs, not the provider's.
    let header = super::keys::base64(r#"{"alg":"EdDSA","crit":["exp"]}"#);
    let signed = format!("{header}.{}.x", super::keys::base64("{}"));
    assert_eq!(present(&peer, &signed).await.status, 401);
    let huge = "x".repeat(17_000);
    assert_eq!(present(&peer, &huge).await.status, 401);
    assert_eq!(questions(&provider), 0);
}

#[test]
fn whose_an_opaque_token_is_has_to_be_plain() {
    let one = |issuer: &str| ProviderSettings {
        introspection: Some(Introspection {
            url: "https://id.example/introspect".to_owned(),
            client: ClientCredentials {
                client_id: "pgwarden".to_owned(),
                client_secret: Secrecy::new("x".to_owned().into()),
            },
        }),
        ..ProviderSettings::new("corp", issuer, super::RESOURCE)
    };
    let made = Providers::new(vec![one("https://a.example"), one("https://b.example")]);
    assert!(matches!(made, Err(ProviderError::TwoIntrospect)));
    let made = Providers::new(vec![one("https://a.example"), one("https://a.example")]);
    assert!(matches!(made, Err(ProviderError::SameIssuer(_))));
    assert!(!format!("{:?}", one("https://a.example")).contains("\"x\""));
}
