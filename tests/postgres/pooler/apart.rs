//! Callers who share server connections, by the hundred.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use pgwarden::auth::Caller;
use pgwarden::db::Identity;
use pgwarden::gateway::{RunAs, Served};
use pgwarden::policy::Policy;
use tokio_util::sync::CancellationToken;

use super::{each_way, gateway, rows};
use crate::support::{Database, Page, READER, Template, checked, gate, gate_with, limits, query};

const NOTES: &str = "
    CREATE SCHEMA app;
    CREATE TYPE app.kind AS ENUM ('plain');
    CREATE TABLE app.notes (role text, tenant text, kind app.kind DEFAULT 'plain');
    INSERT INTO app.notes SELECT r, t FROM unnest(ARRAY['@one', '@two']) AS r, unnest(ARRAY['a', 'b']) AS t;
    ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON app.notes USING (role = current_user AND tenant = current_setting('pgwarden.tenant', true));
    GRANT USAGE ON SCHEMA app TO @one, @two;
    GRANT SELECT ON app.notes TO @one, @two";

fn caller(role: &str, tenant: &str) -> Caller {
    let claims = [("role", role), ("tenant", tenant)];
    Caller { claims: claims.into_iter().collect(), ..Caller::local(format!("{role} of {tenant}")) }
}

/// Roles and claims, with errors in between, over one server connection and over two.
#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_calls_never_see_each_others_role_claims_or_rows() {
    let database = Database::create(Template::Empty).await;
    let (first, second) = (database.create_role("one", "").await, database.create_role("two", "").await);
    let login = database.create_role("gate", &format!("LOGIN NOINHERIT IN ROLE {first}, {second}")).await;
    let sql = NOTES.replace("@one", &first).replace("@two", &second);
    database.admin().await.batch_execute(&sql).await.unwrap();
    for bouncer in each_way(1).into_iter().chain(each_way(2)) {
        let gate = gate_with(&bouncer.url(database.name(), &login), |settings| {
            settings.identity = Identity::Gate;
            settings.accepted = [&first, &second].map(|role| format!("member:{role}")).into();
            settings.pool_size = 4;
        });
        let policy = Policy::builtin().with_claims_as_settings(&["tenant".to_owned()]);
        let roles = vec![first.clone(), second.clone()];
        let run_as = RunAs::Role { claim: "role".to_owned(), roles };
        let gateway = gateway(Served::new(gate, policy).running_as(run_as));
        let callers: Vec<Caller> =
            [&first, &second].into_iter().flat_map(|role| [caller(role, "a"), caller(role, "b")]).collect();
        for round in 0..32 {
            let asked = callers.iter().flat_map(|caller| [(caller, false), (caller, round % 4 == 0)]);
            let asked = asked.map(async |(caller, fails)| {
                let wrong = "SELECT 1 / (length(n.tenant) - 1) FROM app.notes AS n";
                if fails {
                    let failed = rows(&gateway, caller, wrong).await.unwrap_err();
                    assert_eq!(failed.sqlstate.as_str(), "22012", "{failed}");
                }
                let asks = "SELECT current_user, n.role, n.tenant, n.kind FROM app.notes AS n";
                let got = rows(&gateway, caller, asks).await.unwrap();
                let (role, tenant) = (caller.claims.get("role"), caller.claims.get("tenant"));
                let (role, tenant) = (role.unwrap(), tenant.unwrap());
                assert_eq!(got, format!(r#"[["{role}","{role}","{tenant}","plain"]]"#), "round {round}");
            });
            join_all(asked).await;
        }
    }
}

/// A cancel that came late would end what runs on the server connection by then: somebody else's statement.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_cancels_ends_nobody_elses_statement() {
    let database = Database::create(Template::Shop).await;
    for bouncer in each_way(2) {
        let url = bouncer.url(database.name(), READER);
        let stormy = gate_with(&url, |settings| settings.pool_size = 2);
        let calm = gate(&url);
        stormy.ready().await.unwrap();
        calm.ready().await.unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let neighbours: Vec<_> = (0..3)
            .map(|_| {
                let (calm, over) = (calm.clone(), Arc::clone(&over));
                tokio::spawn(async move {
                    let mut answered = 0;
                    while !over.load(Ordering::Relaxed) {
                        query(&calm, "SELECT count(*) FROM shop.orders", &[]).await.unwrap();
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        let (mut canceled, mut finished) = (0, 0);
        for attempt in 0..150_u32 {
            let cancel = CancellationToken::new();
            let statement = checked(&stormy, "SELECT count(*) FROM shop.order_items").await.unwrap();
            let call = {
                let (gate, cancel) = (stormy.clone(), cancel.clone());
                tokio::spawn(async move {
                    gate.run(statement, &[], &limits(), &mut Page::default(), &cancel).await.map(drop)
                })
            };
            tokio::time::sleep(Duration::from_micros(500) * (attempt % 40)).await;
            cancel.cancel();
            match call.await.unwrap() {
                Ok(()) => finished += 1,
                Err(error) => {
                    assert_eq!(error.message, "the statement was canceled by the client");
                    canceled += 1;
                }
            }
        }
        over.store(true, Ordering::Relaxed);
        let answered: u32 = join_all(neighbours).await.into_iter().map(Result::unwrap).sum();
        eprintln!("{canceled} canceled, {finished} finished, {answered} answered beside them");
        assert!(canceled > 10 && answered > 50, "{canceled} canceled, {answered} answered");
    }
}
