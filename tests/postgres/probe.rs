//! `pgwarden probe` against the server itself, in both eras of the protocol.

use std::sync::Arc;

use pgwarden::auth::{Authenticator, NewToken, TokenFile, TokenStore};
use pgwarden::gateway::Gateway;
use pgwarden::mcp::{Authentication, Settings};
use pgwarden::policy::Policy;
use serde_json::Value;

use super::cli::{Ended, run};
use super::tasks::{gateway_with, limits};
use crate::mcp_wire::{HttpPeer, caller};
use crate::support::{Database, Template, until};

const NOTHING: &str = "version = 1\ninclude = []\n";
const ONE_A_MINUTE: &str = "[limits]\nrows = 1000\ncharacters = 40000\nseconds = 60\njoins = 8\n\
    [limits.caller]\nconcurrent = 1\nper_minute = 1\n";

fn gateway(database: &Database<'_>, policy: &str) -> Gateway {
    gateway_with(database, limits(), Policy::parse(policy, "policy.toml").unwrap())
}

async fn open(gateway: Gateway) -> HttpPeer {
    HttpPeer::with(gateway, Authentication::Open(caller()), Settings::default()).await
}

async fn probe(peer: &HttpPeer, more: &[&str]) -> Ended {
    let mut words = vec!["probe".to_owned(), "--url".to_owned(), peer.url()];
    words.extend(more.iter().map(|&word| word.to_owned()));
    let asked =
        tokio::task::spawn_blocking(move || run(&words.iter().map(String::as_str).collect::<Vec<_>>()));
    asked.await.unwrap()
}

/// By step: the outcome and the reason.
fn steps(ended: &Ended) -> Vec<(String, String, String)> {
    let objects = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    objects.map(|step| (text(&step["step"]), text(&step["outcome"]), text(&step["reason"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_ok_in_both_eras_under_a_policy_that_shows_no_relation() {
    let database = Database::create(Template::Shop).await;
    let peer = open(gateway(&database, NOTHING)).await;
    for revision in ["2025-11-25", "2026-07-28"] {
        let ended = probe(&peer, &["--json", "--revision", revision, "--timeout", "60s"]).await;
        let outcomes: Vec<String> =
            steps(&ended).into_iter().map(|(step, outcome, _)| step + " " + &outcome).collect();
        let all = ["discovery ok", "login ok", "initialize ok", "query ok", "task ok", "cancel ok"];
        assert_eq!(
            (ended.status, outcomes),
            (0, all.map(str::to_owned).to_vec()),
            "{}{}",
            ended.out,
            ended.err
        );
    }
    let admin = database.admin().await;
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%generate_series%'
               AND pid <> pg_backend_pid()";
    until("nothing of it runs on", async || {
        let running: i64 = admin.query_one(sql, &[]).await.unwrap().get(0);
        (running == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_s_limit_leaves_steps_out_with_its_words() {
    let database = Database::create(Template::Shop).await;
    let limited = format!("{NOTHING}{ONE_A_MINUTE}");
    let peer = open(gateway(&database, &limited)).await;
    let ended = probe(&peer, &["--json"]).await;
    let steps = steps(&ended);
    assert_eq!((ended.status, steps[3].1.as_str()), (0, "ok"), "{}", ended.out);
    for (step, outcome, reason) in &steps[4..] {
        assert_eq!(outcome, "skipped", "{step}: {reason}");
        assert!(reason.starts_with("53400 limits.rate: "), "{step}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lets_it_in_and_another_one_does_not_and_neither_is_printed() {
    let database = Database::create(Template::Shop).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.json");
    let mut tokens = TokenFile::open(&file).unwrap();
    let new = NewToken { name: "monitor".to_owned(), subject: "monitor".to_owned(), ..NewToken::default() };
    let secret = tokens.create(new).unwrap();
    let store = Arc::new(TokenStore::load(&file).unwrap());
    let authentication = Authentication::Bearer(Authenticator::new(vec![store]));
    let limited = format!("{NOTHING}{ONE_A_MINUTE}");
    let peer = HttpPeer::with(gateway(&database, &limited), authentication, Settings::default()).await;
    let held = folder.path().join("held");
    let held_as = held.to_str().unwrap().to_owned();
    std::fs::write(&held, secret.reveal()).unwrap();
    let taken = probe(&peer, &["--token-file", &held_as, "--prometheus"]).await;
    assert_eq!(taken.status, 0, "{}{}", taken.out, taken.err);
    assert!(taken.out.contains("pgwarden_probe_success{step=\"query\"} 1\n"), "{}", taken.out);
    assert!(!taken.out.contains("step=\"task\""), "{}", taken.out);
    let none = probe(&peer, &["--json"]).await;
    assert_eq!((none.status, steps(&none)[1].1.as_str()), (1, "failed"), "{}", none.out);
    let other = format!("{}x", secret.reveal());
    std::fs::write(&held, &other).unwrap();
    let refused = probe(&peer, &["--token-file", &held_as]).await;
    assert_eq!(refused.status, 1);
    assert!(refused.out.contains("failed   login") && refused.out.contains("does not take the token"));
    for ended in [taken, refused] {
        let all = ended.out + &ended.err;
        assert!(!all.contains(secret.reveal()), "{all}");
    }
}
