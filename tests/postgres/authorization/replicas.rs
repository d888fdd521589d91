//! Several processes with one store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwarden::auth::server::Settings;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::stage::{Stage, settings};
use crate::support::{Database, Template};

#[tokio::test]
async fn what_one_replica_revokes_ends_at_the_other() {
    let database = Database::create(Template::Empty).await;
    let settings = Settings { keep_login: true, ..settings() };
    let one = Stage::in_postgresql(settings.clone(), &database).await;
    let other = Stage::replica(settings, &database).await;
    let stop = CancellationToken::new();
    tokio::spawn(Arc::clone(&other.server).watch(stop.clone()));
    let session = one.log_in("ada").await;
    let tokens = one.tokens().await;
    let admitted = other.admitted(tokens.access.reveal()).await.unwrap();
    assert_eq!(admitted.caller.login.as_ref().unwrap().role, "ada");
    let next = other.refresh(tokens.refresh.reveal()).await.unwrap();
    assert!(one.admitted(next.access.reveal()).await.is_some());
    let grant = one.server.grants(&session).await.unwrap().remove(0);
    let began = Instant::now();
    one.server.revoke_grant(&session, &grant.id).await.unwrap();
    timeout(Duration::from_secs(5), admitted.ended.cancelled()).await.unwrap();
    eprintln!("noticed after {:?}", began.elapsed());
    assert!(other.admitted(tokens.access.reveal()).await.is_none());
    assert!(one.refresh(next.refresh.reveal()).await.is_err());
    stop.cancel();
}

#[tokio::test]
async fn of_exchanges_at_both_replicas_one_gets_a_token() {
    let database = Database::create(Template::Empty).await;
    let one = Stage::in_postgresql(settings(), &database).await;
    let other = Stage::replica(settings(), &database).await;
    let session = one.log_in("ada").await;
    for _ in 0..5 {
        let code = one.code(&session, &super::stage::query(&[])).await;
        let (here, there) = tokio::join!(one.exchange(&code), other.exchange(&code));
        assert_eq!([here.is_ok(), there.is_ok()].iter().filter(|is| **is).count(), 1);
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_nobody_s_fault() {
    let database = Database::create(Template::Empty).await;
    let stage = Stage::in_postgresql(settings(), &database).await;
    let tokens = stage.tokens().await;
    database.admin().await.batch_execute("DROP TABLE pgwarden.authorization_token").await.unwrap();
    let verdict = pgwarden::auth::Verifier::verify(&*stage.server, tokens.access.reveal(), None).await;
    assert!(matches!(verdict, pgwarden::auth::Verdict::Unavailable), "{verdict:?}");
    assert_eq!(stage.refresh(tokens.refresh.reveal()).await.unwrap_err().status, 503);
}
