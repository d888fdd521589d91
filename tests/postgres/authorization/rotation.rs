//! Refresh tokens: each is good for one successor.

use chrono::TimeDelta;
use futures_util::future::join_all;
use pgwarden::auth::server::Settings;

use super::stage::{Stage, facts, settings, with_both_stores};

with_both_stores! {
    an_old_one_used_again_ends_the_grant: settings();
    within_the_grace_a_client_may_try_again: Settings { keep_login: true, ..settings() };
    an_older_one_has_no_grace: settings();
    of_100_refreshes_at_once_each_answer_is_good: settings();
    it_ends_unused_and_after_thirty_days: settings();
    a_role_that_may_no_longer_log_in_ends_it: settings();
}

async fn an_old_one_used_again_ends_the_grant(stage: Stage) {
    let first = stage.tokens().await;
    let second = stage.refresh(first.refresh.reveal()).await.unwrap();
    let admitted = stage.admitted(second.access.reveal()).await.unwrap();
    stage.later(TimeDelta::seconds(31));
    let refused = stage.refresh(first.refresh.reveal()).await.unwrap_err();
    assert_eq!(refused.error, "invalid_grant");
    assert!(admitted.ended.is_cancelled());
    for access in [&first.access, &second.access] {
        assert!(stage.admitted(access.reveal()).await.is_none());
    }
    assert_eq!(stage.refresh(second.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
}

async fn within_the_grace_a_client_may_try_again(stage: Stage) {
    let first = stage.tokens().await;
    let lost = stage.refresh(first.refresh.reveal()).await.unwrap();
    stage.later(TimeDelta::seconds(29));
    let again = stage.refresh(first.refresh.reveal()).await.unwrap();
    assert_ne!(lost.refresh.reveal(), again.refresh.reveal());
    let login = stage.admitted(again.access.reveal()).await.unwrap().caller.login.unwrap();
    assert_eq!(login.role, "ada");
    let other =
        [("grant_type", "refresh_token"), ("client_id", "native"), ("refresh_token", first.refresh.reveal())];
    assert_eq!(stage.token(&other).await.unwrap_err().error, "invalid_grant", "no other client has a grace");
    assert!(stage.admitted(again.access.reveal()).await.is_some());
    let next = stage.refresh(again.refresh.reveal()).await.unwrap();
    stage.later(TimeDelta::seconds(31));
    // The lost one was the thief's, or nobody's.
    assert!(stage.refresh(lost.refresh.reveal()).await.is_err());
    assert!(stage.admitted(next.access.reveal()).await.is_none());
}

async fn an_older_one_has_no_grace(stage: Stage) {
    let first = stage.tokens().await;
    let second = stage.refresh(first.refresh.reveal()).await.unwrap();
    let third = stage.refresh(second.refresh.reveal()).await.unwrap();
    assert!(stage.refresh(first.refresh.reveal()).await.is_err());
    assert!(stage.refresh(third.refresh.reveal()).await.is_err());
}

async fn of_100_refreshes_at_once_each_answer_is_good(stage: Stage) {
    let first = stage.tokens().await;
    let outcomes = join_all((0..100).map(|_| stage.refresh(first.refresh.reveal()))).await;
    let (good, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 11, "one, and ten in the grace");
    for refused in refused {
        let refused = refused.unwrap_err();
        assert_eq!((refused.status, refused.error), (429, "slow_down"));
    }
    for answer in &good {
        assert!(stage.admitted(answer.as_ref().unwrap().access.reveal()).await.is_some());
    }
    stage.refresh(good[0].as_ref().unwrap().refresh.reveal()).await.unwrap();
}

async fn it_ends_unused_and_after_thirty_days(stage: Stage) {
    let idle = stage.tokens().await;
    stage.later(TimeDelta::days(7));
    assert_eq!(stage.refresh(idle.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
    let mut used = stage.tokens().await;
    assert!(stage.admitted(used.access.reveal()).await.is_some());
    for _ in 0..4 {
        stage.later(TimeDelta::days(6));
        assert!(stage.admitted(used.access.reveal()).await.is_none(), "ten minutes have gone by");
        used = stage.refresh(used.refresh.reveal()).await.unwrap();
    }
    stage.later(TimeDelta::days(6) - TimeDelta::seconds(120));
    let last = stage.refresh(used.refresh.reveal()).await.unwrap();
    assert_eq!(last.expires_in, 120);
    stage.later(TimeDelta::seconds(121));
    assert!(stage.admitted(last.access.reveal()).await.is_none());
    assert_eq!(stage.refresh(last.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
}

async fn a_role_that_may_no_longer_log_in_ends_it(stage: Stage) {
    let changes: [(&str, bool); 6] = [
        ("may_log_in", false),
        ("superuser", true),
        ("bypassrls", true),
        ("replication", true),
        ("createrole", true),
        ("powerful", true),
    ];
    let now_is = |facts| stage.roles.facts.lock().unwrap().insert("ada".to_owned(), facts);
    for (name, value) in changes {
        let tokens = stage.tokens().await;
        let admitted = stage.admitted(tokens.access.reveal()).await.unwrap();
        now_is(facts("ada", &[], |facts| facts[name] = value.into()));
        assert_eq!(
            stage.refresh(tokens.refresh.reveal()).await.unwrap_err().error,
            "invalid_grant",
            "{name}"
        );
        assert!(admitted.ended.is_cancelled());
        now_is(facts("ada", &[], |_| {}));
    }
    let tokens = stage.tokens().await;
    now_is(facts("ada", &["auditors"], |_| {}));
    let tokens = stage.refresh(tokens.refresh.reveal()).await.unwrap();
    let caller = stage.admitted(tokens.access.reveal()).await.unwrap().caller;
    assert_eq!(caller.claims.get("roles"), Some("auditors"), "as PostgreSQL has it now");
    stage.roles.facts.lock().unwrap().remove("ada");
    assert_eq!(stage.refresh(tokens.refresh.reveal()).await.unwrap_err().error, "invalid_grant");
}
