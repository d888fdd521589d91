//! A person is a role as PostgreSQL has it now: not its name, and not what it was at the login.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use pgwarden::auth::Scope;
use pgwarden::auth::server::Identity;

use super::stage::{Stage, facts, query, settings, with_both_stores};

with_both_stores! {
    a_session_has_what_the_role_has_now: settings();
    a_session_ends_with_the_right_to_log_in: settings();
    a_code_is_exchanged_for_what_the_role_has_now: settings();
    a_role_made_again_is_another_person: settings();
    a_grant_of_another_provider_s_person_lasts_as_long_as_a_session: settings();
    a_grant_s_refreshes_and_tokens_are_bounded: settings();
}

fn now_is(stage: &Stage, memberships: &[&str], change: impl FnOnce(&mut serde_json::Value)) {
    stage.roles.facts.lock().unwrap().insert("ada".to_owned(), facts("ada", memberships, change));
}

async fn a_session_has_what_the_role_has_now(stage: Stage) {
    now_is(&stage, &["lead"], |_| {});
    let cookie = stage.cookie("ada").await;
    let session = async || stage.server.session(cookie.reveal()).await.unwrap().unwrap().identity;
    assert!(session().await.scopes.iter().any(|scope| scope == Scope::Approve));
    now_is(&stage, &["staff"], |_| {});
    stage.later(TimeDelta::seconds(5));
    let identity = session().await;
    assert!(!identity.scopes.iter().any(|scope| scope == Scope::Approve), "taken away");
    assert_eq!(identity.claims["roles"], "staff");
}

async fn a_session_ends_with_the_right_to_log_in(stage: Stage) {
    for name in ["may_log_in", "superuser", "ours", "gone"] {
        now_is(&stage, &[], |_| {});
        stage.later(TimeDelta::seconds(5));
        let cookie = stage.cookie("ada").await;
        assert!(stage.server.session(cookie.reveal()).await.unwrap().is_some());
        match name {
            "gone" => drop(stage.roles.facts.lock().unwrap().remove("ada")),
            _ => now_is(&stage, &[], |facts| facts[name] = (name != "may_log_in").into()),
        }
        stage.later(TimeDelta::seconds(5));
        assert!(stage.server.session(cookie.reveal()).await.unwrap().is_none(), "{name}");
        now_is(&stage, &[], |_| {});
        stage.later(TimeDelta::seconds(5));
        assert!(stage.server.session(cookie.reveal()).await.unwrap().is_none(), "{name}: it is over");
    }
}

async fn a_code_is_exchanged_for_what_the_role_has_now(stage: Stage) {
    now_is(&stage, &["lead"], |_| {});
    let session = stage.log_in("ada").await;
    let asked = query(&[("scope", Some("read approve"))]);
    let (less, none) = (stage.code(&session, &asked).await, stage.code(&session, &asked).await);
    now_is(&stage, &[], |_| {});
    assert_eq!(stage.exchange(&less).await.unwrap().scopes, Scope::Read.into());
    now_is(&stage, &[], |facts| facts["may_log_in"] = false.into());
    assert_eq!(stage.exchange(&none).await.unwrap_err().error, "invalid_grant");
}

async fn a_role_made_again_is_another_person(stage: Stage) {
    let tokens = stage.tokens().await;
    let (cookie, session) = (stage.cookie("ada").await, stage.log_in("ada").await);
    let code = stage.code(&session, &query(&[])).await;
    now_is(&stage, &[], |facts| facts["oid"] = 16_999.into());
    assert!(stage.server.session(cookie.reveal()).await.unwrap().is_none());
    assert_eq!(stage.exchange(&code).await.unwrap_err().error, "invalid_grant");
    let other = stage.log_in("ada").await;
    assert_eq!(stage.server.grants(&other).await.unwrap(), [], "the first one's are not shown");
    assert_eq!(stage.refresh(tokens.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
}

async fn a_grant_of_another_provider_s_person_lasts_as_long_as_a_session(stage: Stage) {
    let identity = Identity {
        issuer: "https://idp.example".to_owned(),
        subject: "ada".to_owned(),
        oid: None,
        claims: BTreeMap::new(),
        scopes: Scope::Read.into(),
    };
    let cookie = stage.server.sessions().begin(&identity, None).await.unwrap();
    let session = stage.server.session(cookie.reveal()).await.unwrap().unwrap();
    let code = stage.code(&session, &query(&[])).await;
    let tokens = stage.exchange(&code).await.unwrap();
    stage.later(TimeDelta::hours(8) - TimeDelta::seconds(60));
    let tokens = stage.refresh(tokens.refresh.reveal()).await.unwrap();
    assert_eq!(tokens.expires_in, 60);
    stage.later(TimeDelta::seconds(60));
    assert_eq!(stage.refresh(tokens.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
}

async fn a_grant_s_refreshes_and_tokens_are_bounded(stage: Stage) {
    let mut tokens = stage.tokens().await;
    let mut access = vec![tokens.access];
    for _ in 0..30 {
        stage.later(TimeDelta::milliseconds(1));
        tokens = stage.refresh(tokens.refresh.reveal()).await.unwrap();
        access.push(tokens.access);
    }
    let refused = stage.refresh(tokens.refresh.reveal()).await.unwrap_err();
    assert_eq!((refused.status, refused.error), (429, "slow_down"));
    let mut good = Vec::new();
    for token in &access {
        good.push(stage.admitted(token.reveal()).await.is_some());
    }
    assert_eq!(good, [[false; 11].as_slice(), &[true; 20]].concat(), "the last twenty");
    stage.later(TimeDelta::minutes(1));
    stage.refresh(tokens.refresh.reveal()).await.unwrap();
}
