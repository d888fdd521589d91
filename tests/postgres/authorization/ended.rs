//! Revocation: by the client, by the person, and what is swept.

use chrono::{TimeDelta, Utc};
use pgwarden::auth::server::Settings;

use super::stage::{Stage, WEB, facts, query, settings, with_both_stores};

with_both_stores! {
    a_client_revokes_its_own: settings();
    a_person_sees_and_takes_back_what_they_allowed: settings();
    what_has_ended_is_swept: settings();
    grants_of_one_person_are_bounded: settings();
}

async fn a_client_revokes_its_own(stage: Stage) {
    let tokens = stage.tokens().await;
    let next = stage.refresh(tokens.refresh.reveal()).await.unwrap();
    let (one, two) = (
        stage.admitted(tokens.access.reveal()).await.unwrap(),
        stage.admitted(next.access.reveal()).await.unwrap(),
    );
    let mut endings = stage.server.endings();
    stage.revoke("native", next.refresh.reveal()).await.unwrap();
    stage.revoke(WEB.0, "whatever").await.unwrap();
    assert!(stage.admitted(next.access.reveal()).await.is_some(), "another client revokes nothing");
    assert_eq!(stage.revoke("unknown", next.refresh.reveal()).await.unwrap_err().error, "invalid_client");
    stage.revoke(WEB.0, tokens.access.reveal()).await.unwrap();
    assert!(one.ended.is_cancelled() && !two.ended.is_cancelled());
    assert!(stage.admitted(tokens.access.reveal()).await.is_none());
    assert!(endings.try_recv().is_err(), "another token of this client is good");
    stage.revoke(WEB.0, next.refresh.reveal()).await.unwrap();
    assert!(two.ended.is_cancelled());
    let ended = endings.try_recv().unwrap();
    assert_eq!((ended.caller.subject.as_str(), ended.was_last), ("ada", true));
    assert!(stage.admitted(next.access.reveal()).await.is_none());
    assert_eq!(stage.refresh(next.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
}

async fn a_person_sees_and_takes_back_what_they_allowed(stage: Stage) {
    stage.roles.facts.lock().unwrap().insert("bob".to_owned(), facts("bob", &[], |_| {}));
    let tokens = stage.tokens().await;
    let (ada, bob) = (stage.log_in("ada").await, stage.log_in("bob").await);
    stage.code(&ada, &query(&[])).await;
    let grants = stage.server.grants(&ada).await.unwrap();
    assert_eq!(grants.len(), 1, "not what was never used");
    let grant = &grants[0];
    assert_eq!((grant.client_id.as_str(), grant.redirect_host.as_str()), (WEB.0, "app.example"));
    assert_eq!(grant.scopes.to_string(), "read write");
    assert_eq!(stage.server.grants(&bob).await.unwrap(), []);
    let admitted = stage.admitted(tokens.access.reveal()).await.unwrap();
    for id in [grant.id.as_str(), "", "0"] {
        assert!(!stage.server.revoke_grant(&bob, id).await.unwrap(), "another person's");
    }
    assert!(stage.admitted(tokens.access.reveal()).await.is_some());
    assert!(stage.server.revoke_grant(&ada, &grant.id).await.unwrap());
    assert!(admitted.ended.is_cancelled());
    assert!(stage.admitted(tokens.access.reveal()).await.is_none());
    assert!(!stage.server.revoke_grant(&ada, &grant.id).await.unwrap());
}

#[tokio::test]
async fn tokens_of_another_public_url_are_none() {
    let stage = Stage::in_memory(settings());
    let tokens = stage.tokens().await;
    let moved = Settings { resource: "https://other.example/mcp".to_owned(), ..settings() };
    let other = Stage::with(moved, std::sync::Arc::clone(&stage.store));
    assert!(other.admitted(tokens.access.reveal()).await.is_none());
    assert_eq!(other.refresh(tokens.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
    assert!(stage.admitted(tokens.access.reveal()).await.is_some());
}

async fn what_has_ended_is_swept(stage: Stage) {
    let tokens = stage.tokens().await;
    let ada = stage.log_in("ada").await;
    let unused = stage.code(&ada, &query(&[])).await;
    stage.store.sweep(Utc::now()).await.unwrap();
    assert_eq!(stage.server.grants(&ada).await.unwrap().len(), 1);
    stage.store.sweep(Utc::now() + TimeDelta::seconds(90)).await.unwrap();
    assert_eq!(stage.exchange(&unused).await.unwrap_err().error, "invalid_grant");
    assert!(stage.admitted(tokens.access.reveal()).await.is_some());
    stage.store.sweep(Utc::now() + TimeDelta::days(31)).await.unwrap();
    assert_eq!(stage.server.grants(&ada).await.unwrap(), []);
    assert_eq!(stage.refresh(tokens.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
    let pending = stage.pending(&ada, &query(&[])).await;
    assert!(!stage.server.needs_consent(&pending, &ada).await.unwrap());
    stage.store.sweep(Utc::now() + TimeDelta::days(91)).await.unwrap();
    assert!(stage.server.needs_consent(&pending, &ada).await.unwrap());
}

async fn grants_of_one_person_are_bounded(stage: Stage) {
    let first = stage.tokens().await;
    let session = stage.log_in("ada").await;
    stage.later(TimeDelta::seconds(1));
    let oldest = stage.code(&session, &query(&[])).await;
    stage.later(TimeDelta::milliseconds(1));
    for _ in 0..49 {
        stage.code(&session, &query(&[])).await;
    }
    assert_eq!(stage.exchange(&oldest).await.unwrap_err().error, "invalid_grant", "ten codes");
    let first = stage.refresh(first.refresh.reveal()).await.expect("codes end no grant");
    stage.later(TimeDelta::milliseconds(1));
    for _ in 0..50 {
        let code = stage.code(&session, &query(&[])).await;
        stage.exchange(&code).await.unwrap();
    }
    assert_eq!(stage.refresh(first.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
}
