//! Who may use a login that was given, and until when.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use pgwarden::auth::server::Clock;
use pgwarden::auth::{Bearer, Caller, GiveError};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::stage::{Stage, credentials_at, is_lacking, replica, rows};
use crate::postgres::identities::Office;
use crate::postgres::identities::own::{CANARY, Lines, asking};
use crate::support::{Database, Template, until};

#[tokio::test]
async fn it_is_for_the_token_that_asked_in_the_process_that_asked() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let token = stage.token("ada");
    let path = stage.link(&token).await;
    let mut ada = stage.browser_of("ada").await;
    stage.give(&mut ada, &path, &stage.ada, CANARY).await;
    assert_eq!(rows(&stage.ask(&stage.peer, &token, false, json!({})).await), &stage.seen(&stage.ada));
    for other in
        [stage.token("ben"), stage.token_for("ada", "another", 300), stage.token_for("ada", "chat", 300)]
    {
        let answer = stage.ask(&stage.peer, &other, false, json!({})).await;
        assert!(is_lacking(&answer), "{answer}");
    }
    let (elsewhere, ..) = replica(&stage.office, &stage.gateway, &stage.provider).await;
    assert!(is_lacking(&stage.ask(&elsewhere, &token, false, json!({})).await), "another process");
    assert_eq!(rows(&stage.ask(&stage.peer, &token, false, json!({})).await), &stage.seen(&stage.ada));
}

/// The provider's clock may be 60 s behind: a token is good for so long after its end.
#[tokio::test]
async fn it_ends_with_its_token_and_takes_its_connections_along() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let skew = 60;
    let token = stage.token_for("ada", "chat", 6 - skew);
    let path = stage.link(&token).await;
    let unanswered = stage.link(&token).await;
    let mut ada = stage.browser_of("ada").await;
    stage.give(&mut ada, &path, &stage.ada, CANARY).await;
    assert_eq!(rows(&stage.ask(&stage.peer, &token, false, json!({})).await), &stage.seen(&stage.ada));
    assert!(stage.office.connections(&stage.ada).await > 0);
    let (issuer, client_id) = (stage.provider.issuer.clone(), Some("chat".to_owned()));
    let (caller, bearer) = (Caller { issuer, client_id, ..Caller::local("ada") }, Bearer::of(&token));
    assert_eq!(stage.credentials.open(&caller, &bearer).keys().collect::<Vec<_>>(), ["office"]);
    let asked = tokio::time::Instant::now();
    while ada.open(&unanswered).await.status != 404 {
        assert!(asked.elapsed() < Duration::from_secs(30), "the question stays");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stage.office.until_gone(&stage.ada).await;
    assert!(stage.credentials.open(&caller, &bearer).is_empty());
}

#[tokio::test]
async fn one_that_is_given_up_ends_like_one_whose_token_does() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let token = stage.token("ada");
    let path = stage.link(&token).await;
    let mut ada = stage.browser_of("ada").await;
    stage.give(&mut ada, &path, &stage.ada, CANARY).await;
    stage.ask(&stage.peer, &token, false, json!({})).await;
    assert!(stage.office.connections(&stage.ada).await > 0);
    stage.credentials.forget(&Bearer::of(&token), "elsewhere");
    stage.credentials.forget(&Bearer::of(&token), "office");
    stage.office.until_gone(&stage.ada).await;
}

#[tokio::test]
async fn a_login_that_postgresql_refuses_is_asked_for_again() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let token = stage.token("ada");
    let path = stage.link(&token).await;
    let mut ada = stage.browser_of("ada").await;
    stage.give(&mut ada, &path, &stage.ada, CANARY).await;
    stage.office.admin(&format!("ALTER ROLE {} PASSWORD 'another'", stage.ada)).await;
    let refused = stage.ask(&stage.peer, &token, false, json!({})).await;
    assert!(is_lacking(&refused), "{refused}");
    let path = stage.link(&token).await;
    assert_eq!(stage.give(&mut ada, &path, &stage.ada, CANARY).await.status, 401);
    assert_eq!(stage.give(&mut ada, &path, &stage.ada, "another").await.location(), path);
    let again = until("it runs", async || {
        let answer = stage.ask(&stage.peer, &token, false, json!({})).await;
        (!is_lacking(&answer)).then_some(answer)
    });
    assert_eq!(rows(&again.await), &stage.seen(&stage.ada));
}

#[tokio::test]
async fn the_password_is_in_no_log_and_in_no_answer() {
    let (lines, _logging) = Lines::listen();
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let token = stage.token("ada");
    let path = stage.link(&token).await;
    let mut ada = stage.browser_of("ada").await;
    let wrong = stage.give(&mut ada, &path, "no_such_role", CANARY).await;
    let given = stage.give(&mut ada, &path, &stage.ada, CANARY).await;
    assert_eq!(given.location(), path);
    let shown = ada.open(&path).await;
    let answer = stage.ask(&stage.peer, &token, false, json!({})).await;
    assert_eq!(rows(&answer), &stage.seen(&stage.ada));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("own_login"), "it was listened to: {logged}");
    // What the driver of the test itself logs of its own request is no log of ours.
    let ours: Vec<&str> =
        logged.lines().filter(|line| !line.contains("hyper") && !line.contains("h2")).collect();
    let credentials = Arc::clone(&stage.credentials);
    let said =
        [wrong.text, given.text, shown.text, format!("{answer} {credentials:?}"), ours.join("\n")].join("\n");
    assert!(!said.contains(CANARY) && !said.contains("canary-8f3b"), "{said}");
    assert!(!ours.join("\n").contains(&token), "nor is the token");
}

#[tokio::test]
async fn a_question_lasts_ten_minutes_and_a_login_twelve_hours_for_who_gave_it() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let role = office.person("ada", &office.analyst).await;
    let minutes = Arc::new(AtomicI64::new(0));
    let later = Arc::clone(&minutes);
    let clock = Clock::new(move || Utc::now() + TimeDelta::minutes(later.load(Ordering::Relaxed)));
    let issuer = "https://id.example".to_owned();
    let credentials = credentials_at(&office, vec![issuer.clone()], clock);
    let ada = Caller { issuer, client_id: Some("chat".to_owned()), ..Caller::local("ada") };
    let (bearer, never) = (Bearer::of("a token"), CancellationToken::new());
    let asked_by = |bearer: &Bearer| credentials.ask(&ada, bearer, &never, "office").unwrap().unwrap().id;
    let asked = || asked_by(&bearer);
    let give = async |id, person: &Caller| {
        let password = Zeroizing::new(CANARY.to_owned());
        credentials.give(id, &person.key(), &role, password, Ipv4Addr::LOCALHOST.into()).await
    };
    let expired = asked();
    minutes.store(11, Ordering::Relaxed);
    assert!(matches!(give(expired, &ada).await, Err(GiveError::Unknown)));
    // A call that is repeated leaves the page that somebody is at. Of questions of more than ten tokens the oldest gives way.
    let oldest = asked_by(&Bearer::of("the first token"));
    let open = asked();
    assert_eq!(asked(), open);
    for n in 0..9 {
        asked_by(&Bearer::of(&format!("token {n}")));
    }
    assert!(matches!(give(oldest, &ada).await, Err(GiveError::Unknown)));
    let others = [
        Caller { subject: "ben".to_owned(), ..ada.clone() },
        Caller { issuer: "https://other.example".to_owned(), ..ada.clone() },
    ];
    for other in &others {
        assert!(matches!(give(open, other).await, Err(GiveError::Unknown)), "{other:?}");
    }
    give(open, &ada).await.unwrap();
    assert!(matches!(give(open, &ada).await, Err(GiveError::Given)));
    // A provider that gives one token to two would not give one's login to the other.
    let another_client = Caller { client_id: None, ..ada.clone() };
    for other in others.iter().chain([&another_client]) {
        assert!(credentials.open(other, &bearer).is_empty(), "{other:?}");
    }
    assert_eq!(credentials.open(&ada, &bearer)["office"].role, role);
    assert!(credentials.open(&ada, &Bearer::of("another token")).is_empty());
    minutes.store(12 * 60 + 12, Ordering::Relaxed);
    assert!(credentials.open(&ada, &bearer).is_empty());
}
