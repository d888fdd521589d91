//! A login for each policy.

use pgwarden::db::Database as Gate;
use pgwarden::gateway::{Policies, PolicySource, Served, When};
use pgwarden::policy::Policy;

use super::{Office, gateway, refused, rows, with_claims};
use crate::support::gate;

#[tokio::test]
async fn callers_of_a_policy_with_a_login_run_as_it_and_others_as_the_entrys() {
    let office = Office::open().await;
    let login = async |name: &str, role: &str| {
        office.database.create_role(name, &format!("LOGIN IN ROLE {role}")).await
    };
    let (reader, helper) = (login("reader", &office.analyst).await, login("helper", &office.support).await);
    let when = |role: &str| When::new([("role".to_owned(), role.to_owned())].into()).unwrap();
    let of_helper = |gate: std::sync::Arc<Gate>| {
        let source = PolicySource::fixed(Policy::builtin()).with_login(gate);
        Policies::new(vec![(when("support"), source)], Some(PolicySource::fixed(Policy::builtin())))
    };
    let support = gate(&office.database.url(&helper));
    let gateway = gateway(Served::new(gate(&office.database.url(&reader)), of_helper(support)));
    gateway.ready().await.unwrap();
    let who = "SELECT current_user, max(tenant) FROM app.notes";
    let (anna, ben) = (with_claims("anna", &[]), with_claims("ben", &[("role", "support")]));
    for _ in 0..5 {
        assert_eq!(rows(&gateway, &anna, who).await.unwrap(), format!(r#"[["{reader}","a"]]"#));
        assert_eq!(rows(&gateway, &ben, who).await.unwrap(), format!(r#"[["{helper}","b"]]"#));
    }
    // Each by its own catalog.
    let secret = "SELECT max(secret) FROM app.notes";
    refused(&gateway, &anna, secret).await;
    assert!(rows(&gateway, &ben, secret).await.unwrap().contains("TOPSECRET-b"));
}

#[tokio::test]
async fn a_mighty_login_of_one_policy_keeps_the_database_from_being_ready() {
    let office = Office::open().await;
    let reader = office.database.create_role("reader", &format!("LOGIN IN ROLE {}", office.analyst)).await;
    let boss = office.database.create_role("boss", "LOGIN SUPERUSER").await;
    let when = When::new([("role".to_owned(), "boss".to_owned())].into()).unwrap();
    let source = PolicySource::fixed(Policy::builtin()).with_login(gate(&office.database.url(&boss)));
    let policies = Policies::new(vec![(when, source)], Some(PolicySource::fixed(Policy::builtin())));
    let gateway = gateway(Served::new(gate(&office.database.url(&reader)), policies));
    let refusal = gateway.ready().await.unwrap_err();
    assert!(refusal.message.contains("superuser"), "{refusal}");
    let caller = with_claims("boss", &[("role", "boss")]);
    assert_eq!(refused(&gateway, &caller, "SELECT 1").await.rule.as_deref(), Some("login.privileges"));
    rows(&gateway, &with_claims("anna", &[]), "SELECT 1").await.unwrap();
}
