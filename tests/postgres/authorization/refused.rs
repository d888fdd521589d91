//! What is refused, and who is told.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use pgwarden::auth::server::{AuthorizeError, LoginError, Settings, TrustedHosts};
use zeroize::Zeroizing;

use super::stage::{
    CLAUDE, HERE, ISSUER, PASSWORD, RESOURCE, Stage, VERIFIER, WEB, exchange, facts, pairs, parameter, query,
    settings, with_both_stores,
};

with_both_stores! {
    a_code_is_good_for_its_client_redirect_and_verifier: settings();
    a_code_is_good_once_and_used_again_ends_what_it_gave: settings();
    of_100_exchanges_at_once_one_gets_a_token: settings();
    a_session_ends_and_is_nobody_else_s: settings();
}

#[tokio::test]
async fn until_client_and_redirect_are_good_nothing_is_sent_anywhere() {
    let stage = Stage::in_memory(settings());
    let page = async |changes: &[(&str, Option<&str>)]| {
        let refused = stage.server.authorize(&query(changes)).await;
        assert!(matches!(refused, Err(AuthorizeError::Page(_))), "{changes:?}: {refused:?}");
    };
    page(&[("client_id", None)]).await;
    page(&[("client_id", Some("unknown"))]).await;
    page(&[("client_id", Some("https://evil.example/client.json"))]).await;
    page(&[("client_id", Some("https://sub.claude.ai/client.json"))]).await;
    page(&[("client_id", Some("https://claude.ai/"))]).await;
    page(&[("client_id", Some("client_AAAA"))]).await;
    for uri in [
        None,
        Some("https://app.example/callback/"),
        Some("https://app.example/callback?x"),
        Some("https://app.example:8443/callback"),
        Some("https://evil.example/callback"),
        Some("http://app.example/callback"),
        Some("https://app.example/callback#"),
        Some("http://localhost/callback"),
    ] {
        page(&[("redirect_uri", uri)]).await;
    }
    // What is wrong besides changes nothing of that.
    page(&[("redirect_uri", Some("https://evil.example/")), ("response_type", Some("token"))]).await;
    page(&[
        ("client_id", Some(CLAUDE)),
        ("redirect_uri", Some("https://evil.example/")),
        ("scope", Some("x")),
    ])
    .await;
    for name in ["client_id", "redirect_uri", "state", "resource", "code_challenge", "anything"] {
        let mut twice = query(&[]);
        twice.extend(pairs(&[(name, "x"), (name, "x")]));
        assert!(matches!(stage.server.authorize(&twice).await, Err(AuthorizeError::Page(_))), "{name}");
    }
}

#[tokio::test]
async fn what_else_is_wrong_is_told_to_the_client() {
    let stage = Stage::in_memory(settings());
    let plain = super::stage::VERIFIER;
    for (changes, error) in [
        (vec![("response_type", None)], "invalid_request"),
        (vec![("response_type", Some("token"))], "unsupported_response_type"),
        (vec![("response_type", Some("code id_token"))], "unsupported_response_type"),
        (vec![("response_mode", Some("fragment"))], "invalid_request"),
        (vec![("code_challenge", None)], "invalid_request"),
        (vec![("code_challenge", Some("short"))], "invalid_request"),
        (vec![("code_challenge_method", None)], "invalid_request"),
        (vec![("code_challenge_method", Some("plain")), ("code_challenge", Some(plain))], "invalid_request"),
        (vec![("code_challenge_method", Some("s256"))], "invalid_request"),
        (vec![("resource", None)], "invalid_target"),
        (vec![("resource", Some("https://db.example"))], "invalid_target"),
        (vec![("resource", Some("https://db.example/mcp/"))], "invalid_target"),
        (vec![("resource", Some("https://evil.example/mcp"))], "invalid_target"),
        (vec![("request", Some("eyJ"))], "request_not_supported"),
        (vec![("request_uri", Some("https://x"))], "request_uri_not_supported"),
    ] {
        let refused = stage.server.authorize(&query(&changes)).await;
        let Err(AuthorizeError::Redirect(to)) = refused else { panic!("{changes:?}: {refused:?}") };
        assert!(to.starts_with("https://app.example/callback?error="), "{to}");
        assert_eq!(parameter(&to, "error").unwrap(), error, "{changes:?}");
        assert_eq!(parameter(&to, "state").unwrap(), "st&te");
        assert_eq!(parameter(&to, "iss").unwrap(), ISSUER);
        assert_eq!(parameter(&to, "code"), None);
    }
    stage.server.authorize(&query(&[("resource", Some("HTTPS://DB.example/mcp"))])).await.unwrap();
}

async fn a_code_is_good_for_its_client_redirect_and_verifier(stage: Stage) {
    let ada = stage.log_in("ada").await;
    let code = stage.code(&ada, &query(&[])).await;
    let challenge = super::stage::challenge();
    for (name, value, error) in [
        ("client_id", "native", "invalid_grant"),
        ("client_id", CLAUDE, "invalid_grant"),
        ("redirect_uri", "https://app.example/callback/", "invalid_grant"),
        ("redirect_uri", "", "invalid_request"),
        ("code_verifier", "", "invalid_request"),
        ("code_verifier", challenge.as_str(), "invalid_grant"),
        ("code_verifier", "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong", "invalid_grant"),
        ("code", "pgwc_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "invalid_grant"),
        ("code", "guess", "invalid_grant"),
        ("resource", "https://evil.example/mcp", "invalid_target"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("grant_type", "", "invalid_request"),
    ] {
        let form = exchange(&code).map(|(key, good)| (key, if key == name { value } else { good }));
        assert_eq!(stage.token(&form).await.unwrap_err().error, error, "{name}={value}");
    }
    let mut twice = exchange(&code).to_vec();
    twice.push(("code_verifier", VERIFIER));
    assert_eq!(stage.token(&twice).await.unwrap_err().error, "invalid_request");
    assert_eq!(stage.refresh(&code).await.unwrap_err().error, "invalid_grant", "a code is no refresh token");
    stage.exchange(&code).await.unwrap();

    let late = stage.code(&ada, &query(&[])).await;
    stage.later(TimeDelta::seconds(61));
    assert_eq!(stage.exchange(&late).await.unwrap_err().error, "invalid_grant");
}

async fn a_code_is_good_once_and_used_again_ends_what_it_gave(stage: Stage) {
    let session = stage.log_in("ada").await;
    let code = stage.code(&session, &query(&[])).await;
    let answer = stage.exchange(&code).await.unwrap();
    let admitted = stage.admitted(answer.access.reveal()).await.unwrap();
    let other = stage.tokens().await;
    // Whoever has it now, has no verifier.
    let form = exchange(&code).map(|(key, good)| (key, if key == "code_verifier" { RESOURCE } else { good }));
    assert_eq!(stage.token(&form).await.unwrap_err().error, "invalid_grant");
    assert!(admitted.ended.is_cancelled());
    assert!(stage.admitted(answer.access.reveal()).await.is_none());
    assert_eq!(stage.refresh(answer.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
    assert_eq!(stage.exchange(&code).await.unwrap_err().error, "invalid_grant");
    assert!(stage.admitted(other.access.reveal()).await.is_some(), "other grants stay");
}

async fn of_100_exchanges_at_once_one_gets_a_token(stage: Stage) {
    let session = stage.log_in("ada").await;
    let code = stage.code(&session, &query(&[])).await;
    let exchanges = (0..100).map(|_| stage.exchange(&code));
    let outcomes = futures_util::future::join_all(exchanges).await;
    let answers: Vec<_> = outcomes.into_iter().filter_map(Result::ok).collect();
    assert_eq!(answers.len(), 1);
    assert!(stage.admitted(answers[0].access.reveal()).await.is_none(), "the others' uses have ended it");
}

async fn a_session_ends_and_is_nobody_else_s(stage: Stage) {
    let sessions = stage.server.sessions();
    let log_in = async || stage.server.login("ada", Zeroizing::new(PASSWORD.to_owned()), HERE).await.unwrap();
    let cookie = log_in().await;
    let found = sessions.find(cookie.reveal()).await.unwrap().unwrap();
    assert_eq!(found.identity.caller().person(), (ISSUER, "ada"));
    for forged in [
        "",
        "pgws_",
        "pgws_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &cookie.reveal().replace("pgws", "pgwa"),
    ] {
        assert!(sessions.find(forged).await.unwrap().is_none(), "{forged}");
    }
    let token = found.csrf_token("consent", "object");
    assert!(found.is_csrf_token("consent", "object", &token));
    let other = sessions.find(log_in().await.reveal()).await.unwrap().unwrap();
    assert!(!other.is_csrf_token("consent", "object", &token), "of another session");
    assert!(
        !found.is_csrf_token("consen", "tobject", &token) && !found.is_csrf_token("logout", "object", &token)
    );
    assert!(!found.is_csrf_token("consent", "other", &token), "of another object");
    assert!(!found.is_csrf_token("consent", "object", ""));
    // Used, it lasts for eight hours.
    for _ in 0..8 {
        stage.later(TimeDelta::minutes(59));
        assert!(sessions.find(cookie.reveal()).await.unwrap().is_some());
    }
    stage.later(TimeDelta::minutes(9));
    assert!(sessions.find(cookie.reveal()).await.unwrap().is_none());
    let idle = log_in().await;
    stage.later(TimeDelta::minutes(61));
    assert!(sessions.find(idle.reveal()).await.unwrap().is_none(), "an hour unused");
    let (one, two) = (log_in().await, log_in().await);
    sessions.end(one.reveal()).await.unwrap();
    assert!(sessions.find(one.reveal()).await.unwrap().is_none());
    assert!(sessions.find(two.reveal()).await.unwrap().is_some());
    sessions.end_all(&found.identity).await.unwrap();
    assert!(sessions.find(two.reveal()).await.unwrap().is_none());
    let first = log_in().await;
    stage.later(TimeDelta::seconds(1));
    for _ in 0..20 {
        log_in().await;
    }
    assert!(sessions.find(first.reveal()).await.unwrap().is_none(), "20 browsers of one person");
}

#[tokio::test]
async fn guesses_are_slowed_down_by_role_and_by_address() {
    let stage = Stage::in_memory(settings());
    let guess = async |role: &str, address: [u8; 4]| {
        stage.server.login(role, Zeroizing::new("guess".to_owned()), address.into()).await.unwrap_err()
    };
    let words = guess("ada", [10, 0, 0, 1]).await.words();
    assert_eq!(guess("nobody", [10, 0, 0, 1]).await.words(), words, "the same words for who is not there");
    let mut throttled = 0;
    for number in 0..20 {
        if matches!(guess("ada", [10, 0, 1, number]).await, LoginError::Throttled(_)) {
            throttled += 1;
        }
    }
    assert_eq!(throttled, 16, "one was before; the fifth makes the role wait");
    let good = async |role: &str, address: [u8; 4]| {
        stage.server.login(role, Zeroizing::new(PASSWORD.to_owned()), address.into()).await
    };
    assert!(matches!(good("ada", [10, 9, 9, 9]).await, Err(LoginError::Throttled(_))), "the right one too");
    stage.later(TimeDelta::seconds(31));
    good("ada", [10, 9, 9, 9]).await.unwrap();

    let proofs = stage.roles.proofs.load(Ordering::Relaxed);
    for number in 0..30 {
        guess(&format!("role{number}"), [10, 5, 5, 5]).await;
    }
    assert_eq!(stage.roles.proofs.load(Ordering::Relaxed) - proofs, 20, "by one address");
    let long = "x".repeat(10_000);
    for _ in 0..5 {
        guess(&long, [10, 7, 7, 7]).await;
    }
    assert!(
        matches!(guess(&"y".repeat(64), [10, 8, 8, 8]).await, LoginError::Throttled(_)),
        "one key for all"
    );
    // 1,000 at once are no way around.
    let proofs = stage.roles.proofs.load(Ordering::Relaxed);
    let guesses = (0..1_000).map(|_| guess("bob", [10, 6, 6, 6]));
    futures_util::future::join_all(guesses).await;
    assert_eq!(stage.roles.proofs.load(Ordering::Relaxed) - proofs, 5);
}

#[tokio::test]
async fn documents_are_not_asked_for_without_end() {
    let stage = Stage::in_memory(Settings { trusted: TrustedHosts::Any, ..settings() });
    stage.roles.facts.lock().unwrap().insert("bob".to_owned(), facts("bob", &[], |_| {}));
    let ada = stage.log_in("ada").await;
    let ask = async |session, id: &str| {
        let asked = query(&[("client_id", Some(id)), ("redirect_uri", Some("http://localhost:1/cb"))]);
        let asked = stage.server.authorize(&asked).await.unwrap();
        stage.server.resolve(&asked, session).await.unwrap_err()
    };
    for number in 0..30 {
        ask(&ada, &format!("https://host{number}.example/client")).await;
    }
    assert_eq!(stage.documents.fetched.load(Ordering::Relaxed), 20, "for one person");
    let bob = stage.log_in("bob").await;
    for _ in 0..5 {
        ask(&bob, "https://one.example/client").await;
    }
    assert_eq!(stage.documents.fetched.load(Ordering::Relaxed), 21, "what is faulty is kept for a minute");
}

#[tokio::test]
async fn a_person_s_no_goes_to_the_client() {
    let stage = Stage::in_memory(settings());
    let session = stage.log_in("ada").await;
    let pending = stage.pending(&session, &query(&[])).await;
    let to = stage.server.deny(&pending, &session);
    assert!(to.starts_with(WEB.1));
    assert_eq!(parameter(&to, "error").unwrap(), "access_denied");
    assert_eq!(parameter(&to, "state").unwrap(), "st&te");
    let other = stage.pending(&session, &query(&[("state", Some("other"))])).await;
    assert_ne!(pending.digest(), other.digest());
}
