//! The server's own workload: what others run, as far as the caller could ask for it.

use std::sync::OnceLock;
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::db::ConnectionSettings;
use pgwarden::embedded::Settings;
use pgwarden::gateway::{AdviseRequest, Gateway, Served, Steps};
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, explained};
use pgwarden::telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

use super::{POLICY, filled_in, limits};
use crate::support::{Cluster, gate_with};

fn counting() -> &'static Cluster {
    static COUNTING: OnceLock<Cluster> = OnceLock::new();
    COUNTING.get_or_init(|| {
        let loaded = [("shared_preload_libraries", "pg_stat_statements")];
        let parameters = loaded.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Cluster::start(Settings { parameters, ..Settings::default() })
    })
}

#[tokio::test]
async fn the_workload_is_what_the_caller_could_ask_for_and_nothing_else_of_it_is_told() {
    let database = filled_in(counting()).await;
    let watcher = database.create_role("watcher", "LOGIN IN ROLE pg_monitor").await;
    let admin = database.admin().await;
    admin.batch_execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
    for _ in 0..20 {
        admin
            .query("SELECT * FROM shop.orders WHERE customer_id = 7 /* marker comment */", &[])
            .await
            .unwrap();
    }
    for sql in [
        "SELECT * FROM marker_schema.marker_table WHERE code = 'marker value'",
        "SELECT marker_column FROM shop.vault WHERE marker_column = 'marker value'",
        "SELECT id AS marker_label FROM shop.customers WHERE country = 'marker value'",
        "UPDATE shop.orders SET total = 1 WHERE status = 'marker value'",
    ] {
        admin.batch_execute(sql).await.unwrap();
    }
    let policy = "[[mask]]\ncolumns = [\"shop.customers.note\"]\nwith = \"null\"\n[[deny]]\nselect = [\"shop.vault.marker_column\"]\n";
    for texts in [false, true] {
        let policy = format!("{POLICY}{policy}")
            .replace("include = []", &format!("include = []\nquery_texts = {texts}"));
        let policy = Policy::parse(&policy, "policy.toml").unwrap();
        let gate = gate_with(&database.url(&format!("{}_reader", database.name())), |settings| {
            settings.monitor = Some(ConnectionSettings::parse(&database.url(&watcher), &|_| None).unwrap());
        });
        let gateway = Gateway::new(vec![Served::new(gate, policy)], limits(), Telemetry::default());
        let (caller, steps, cancel) = (Caller::local("tester"), Steps::default(), CancellationToken::new());
        let time = Duration::from_secs(20);
        let answer = gateway.advise_indexes(&caller, AdviseRequest::default(), time, &steps, &cancel).await;
        let answer = answer.unwrap().0;
        assert_eq!(answer["indexes"][0]["create"], "CREATE INDEX ON shop.orders (customer_id)", "{answer:#}");
        let counted = answer["statements"].as_array().unwrap();
        let ours = counted.iter().find(|statement| statement["calls"].as_f64() == Some(20.0)).unwrap();
        assert_eq!(ours["relations"], serde_json::json!(["shop.orders"]), "{answer:#}");
        assert_eq!(counted.iter().all(|statement| statement["text"].is_string()), texts, "{answer:#}");
        assert_eq!(ours["text"].as_str().is_some_and(|text| text.contains("\"customer_id\"")), texts);
        assert!(ours["cost_after"].as_f64().unwrap() * 10.0 < ours["cost_before"].as_f64().unwrap());
        assert!(answer["passed_by"].as_u64().unwrap() >= 4, "{answer:#}");
        assert!(!answer.to_string().contains("marker"), "{answer:#}");
    }
}

#[tokio::test]
async fn a_statement_is_shown_without_its_values() {
    let database = filled_in(counting()).await;
    let gate = gate_with(&database.url(&format!("{}_reader", database.name())), |_| {});
    let catalog = gate.ready().await.unwrap();
    let policy = Policy::parse(POLICY, "policy.toml").unwrap();
    let sql = "SELECT id, 'marker' AS word FROM shop.orders WHERE status = 'marker' AND total > 7654321 AND id IN (7654321, $1)";
    let explained = explained(sql, false, &CheckContext::new(&catalog, &policy)).unwrap();
    let shown = explained.without_values();
    assert!(shown.contains("\"shop\".\"orders\"") && shown.matches("$1").count() == 5, "{shown}");
    assert!(!shown.contains("marker") && !shown.contains("7654321"), "{shown}");
}
