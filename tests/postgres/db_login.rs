//! Start-up checks: who is let in, who is refused and with which words.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use pgwarden::db::Database as Gate;
use pgwarden::pg::Diagnostic;

use crate::support::{Database, READER, Template, gate, gate_with};

async fn findings(gate: &Gate) -> Vec<String> {
    gate.examine().await.unwrap().findings.into_iter().map(|finding| finding.name).collect()
}

async fn refusal(gate: &std::sync::Arc<Gate>) -> Diagnostic {
    gate.ready().await.unwrap_err()
}

#[tokio::test]
async fn a_least_privilege_login_has_no_findings() {
    let database = Database::create(Template::Shop).await;
    let gate = gate(&database.url(READER));
    let examination = gate.examine().await.unwrap();
    assert_eq!(examination.findings, []);
    assert_eq!(examination.login, READER);
    assert_eq!(examination.database, database.name());
    assert_eq!(examination.time_zone, "UTC");
    assert_eq!(examination.tls, None);
    gate.ready().await.unwrap();
    assert_eq!(gate.time_zone().as_deref(), Some("UTC"));
}

#[tokio::test]
async fn each_excess_of_a_login_is_found_by_name_and_refused() {
    let database = Database::create(Template::Empty).await;
    let admin = database.admin().await;
    for (attributes, name) in [
        ("LOGIN SUPERUSER", "superuser"),
        ("LOGIN BYPASSRLS", "bypassrls"),
        ("LOGIN REPLICATION", "replication"),
        ("LOGIN CREATEROLE", "createrole"),
        ("LOGIN IN ROLE pg_read_all_data", "predefined_role:pg_read_all_data"),
        ("LOGIN NOINHERIT IN ROLE pg_monitor", "predefined_role:pg_monitor"),
    ] {
        let label = name.replace(':', "_");
        let login = database.create_role(&label, attributes).await;
        let gate = gate(&database.url(&login));
        assert!(findings(&gate).await.contains(&name.to_owned()), "{attributes}");
        let refused = refusal(&gate).await;
        assert_eq!(refused.sqlstate.as_str(), "28000");
        assert!(refused.message.contains(name), "{}", refused.message);
        assert!(refused.hint.unwrap().contains(&format!("--accept {name}")));
    }
    let group = database.create_role("group", "CREATEROLE").await;
    let member = database.create_role("member", &format!("LOGIN NOINHERIT IN ROLE {group}")).await;
    assert_eq!(findings(&gate(&database.url(&member))).await, [format!("member:{group}")]);
    let owner = database.create_role("owner", "LOGIN").await;
    admin
        .batch_execute(&format!("CREATE TABLE public.mine (); ALTER TABLE public.mine OWNER TO {owner}"))
        .await
        .unwrap();
    assert_eq!(findings(&gate(&database.url(&owner))).await, ["owner:public.mine"]);
}

#[tokio::test]
async fn what_the_dba_accepts_by_name_is_let_in_and_nothing_else() {
    let database = Database::create(Template::Empty).await;
    let login = database.create_role("both", "LOGIN BYPASSRLS CREATEROLE").await;
    let accepting = |names: &[&str]| {
        let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        gate_with(&database.url(&login), |settings| settings.accepted = names)
    };
    let refused = refusal(&accepting(&["bypassrls"])).await;
    assert!(refused.message.ends_with("over-privileged: createrole"), "{}", refused.message);
    accepting(&["bypassrls", "createrole"]).ready().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_not_there_is_a_connection_error_that_names_it_and_no_password() {
    let gate = gate("postgres://ada:hunter2@127.0.0.1:1/shop");
    let failed = refusal(&gate).await;
    assert_eq!(failed.sqlstate.as_str(), "08006");
    assert!(failed.retryable);
    assert!(failed.message.contains("ada@127.0.0.1:1/shop"), "{}", failed.message);
    let all = format!("{failed:?} {failed} {gate:?}");
    assert!(!all.contains("hunter2"), "{all}");
    let started = Instant::now();
    refusal(&gate).await;
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_wrong_database_name_is_reported_in_postgresqls_words() {
    let database = Database::create(Template::Empty).await;
    let url = database.admin_url().replace(database.name(), "no_such_database");
    let failed = refusal(&gate(&url)).await;
    assert_eq!(failed.sqlstate.as_str(), "3D000");
    assert!(failed.message.contains("does not exist"), "{}", failed.message);
}
