//! Keys that change, and providers that do not answer.

use std::time::Duration;

use pgwarden::auth::external::{ProviderSettings, Timing};
use serde_json::json;

use super::keys::{Signer, claims};
use super::provider::Provider;
use super::{guarded, present};

fn token(signer: &Signer, kid: &str, provider: &Provider) -> String {
    signer.token(&json!({"alg": "EdDSA", "kid": kid}), &claims(&provider.issuer))
}

fn timed(provider: &Provider, timing: Timing) -> ProviderSettings {
    ProviderSettings { timing, ..provider.settings() }
}

/// Never old, so that only what the test does is a reason to fetch.
fn patient() -> Timing {
    let hour = Duration::from_secs(3600);
    Timing { fresh: hour, unknown_key: hour, retry: hour, ..Timing::default() }
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_forgotten() {
    let (old, new) = (Signer::ed25519(), Signer::ed25519());
    let provider = Provider::with_key(&old, "old").await;
    let timing = Timing { unknown_key: Duration::ZERO, ..patient() };
    let peer = guarded(vec![timed(&provider, timing)]).await;
    assert_eq!(present(&peer, &token(&old, "old", &provider)).await.status, 200);
    assert_eq!(present(&peer, &token(&new, "new", &provider)).await.status, 401, "not there yet");

    *provider.said.keys.lock().unwrap() = vec![new.jwk("new")];
    assert_eq!(present(&peer, &token(&new, "new", &provider)).await.status, 200);
    assert_eq!(present(&peer, &token(&old, "old", &provider)).await.status, 401, "withdrawn");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_is_one_fetch() {
    let (good, evil) = (Signer::ed25519(), Signer::ed25519());
    let provider = Provider::with_key(&good, "good").await;
    let peer = guarded(vec![timed(&provider, patient())]).await;
    let flood = (0..60).map(|number| {
        let (peer, token) = (&peer, token(&evil, &format!("evil-{number}"), &provider));
        async move { present(peer, &token).await.status }
    });
    let statuses = futures_util::future::join_all(flood).await;
    assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
    assert_eq!(provider.key_fetches(), 1);
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 200);
    assert_eq!(provider.key_fetches(), 1);
}

#[tokio::test]
async fn by_default_an_unknown_key_is_looked_for_once_a_minute() {
    let timing = Timing::default();
    assert_eq!((timing.unknown_key, timing.keep), (Duration::from_secs(60), Duration::from_secs(86_400)));
    let good = Signer::ed25519();
    let provider = Provider::with_key(&good, "good").await;
    let peer = guarded(vec![provider.settings()]).await;
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 200);
    for _ in 0..5 {
        assert_eq!(present(&peer, &token(&good, "other", &provider)).await.status, 401);
    }
    assert_eq!(provider.key_fetches(), 1);
}

#[tokio::test]
async fn while_the_provider_is_down_its_keys_hold_on_for_a_while() {
    let (good, unknown) = (Signer::ed25519(), Signer::ed25519());
    let provider = Provider::with_key(&good, "good").await;
    let short = Timing {
        fresh: Duration::ZERO,
        unknown_key: Duration::ZERO,
        retry: Duration::ZERO,
        keep: Duration::from_millis(1500),
        ..Timing::default()
    };
    let peer = guarded(vec![timed(&provider, short)]).await;
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 200);
    provider.turn(true);
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 200, "kept");
    let answer = present(&peer, &token(&unknown, "unknown", &provider)).await;
    assert_eq!(answer.status, 503, "whether it is good nobody can say: {}", answer.text);
    assert!(answer.headers.get("www-authenticate").is_none() && answer.headers.get("retry-after").is_some());

    tokio::time::sleep(Duration::from_millis(1600)).await;
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 503, "too old");
    provider.turn(false);
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 200);
}

#[tokio::test]
async fn a_provider_that_was_never_there_is_no_fault_of_the_caller() {
    let good = Signer::ed25519();
    let provider = Provider::with_key(&good, "good").await;
    provider.turn(true);
    let peer = guarded(vec![timed(&provider, Timing { retry: Duration::ZERO, ..Timing::default() })]).await;
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 503);
    // The metadata of another issuer is none.
    provider.turn(false);
    *provider.said.metadata_issuer.lock().unwrap() = Some("https://evil.example".to_owned());
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 503);
    assert_eq!(provider.key_fetches(), 0);
    *provider.said.metadata_issuer.lock().unwrap() = None;
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 200);
}

#[tokio::test]
async fn nobody_waits_for_a_provider_that_is_known_to_be_down() {
    let good = Signer::ed25519();
    let provider = Provider::with_key(&good, "good").await;
    let short = Timing { fresh: Duration::ZERO, retry: Duration::ZERO, ..Timing::default() };
    let peer = guarded(vec![timed(&provider, short)]).await;
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 200);
    provider.turn(true);
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 200);
    provider.said.slow.store(3_000, std::sync::atomic::Ordering::Relaxed);
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn whoever_asks_and_leaves_does_not_make_it_begin_anew() {
    let good = Signer::ed25519();
    let provider = Provider::with_key(&good, "good").await;
    provider.said.slow.store(400, std::sync::atomic::Ordering::Relaxed);
    let peer = guarded(vec![provider.settings()]).await;
    for _ in 0..10 {
        let token = token(&good, "good", &provider);
        let asked = tokio::time::timeout(Duration::from_millis(50), present(&peer, &token));
        assert!(asked.await.is_err());
    }
    assert_eq!(present(&peer, &token(&good, "good", &provider)).await.status, 200);
    assert_eq!((provider.metadata_fetches(), provider.key_fetches()), (1, 1));
}
