//! What is recorded of calls that look at the schema or at the server: one decision each.

use pgwarden::db::{ConnectionSettings, StatementOrder};
use pgwarden::gateway::{DescribeRequest, HealthRequest, SearchRequest, TopQueriesRequest};
use serde_json::json;

use super::*;

#[tokio::test]
async fn each_look_leaves_one_decision_with_who_and_what() {
    let ground = Ground::new().await;
    let audit = Audit::open(ground.settings()).await.unwrap();
    let monitor = ground.database.create_role("monitor", "LOGIN IN ROLE pg_monitor").await;
    ground.admin.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await.unwrap();
    let gate = gate_with(&ground.url(), |settings| {
        settings.name = "ground".to_owned();
        settings.monitor =
            Some(ConnectionSettings::parse(&ground.database.url(&monitor), &|_| None).unwrap());
    });
    let policy = Policy::parse(GRANTS, "policy.toml").unwrap();
    let deadline = Duration::from_secs(30);
    let limits = CallLimits { rows: 1_000, characters: 40_000, field_characters: 4_000, deadline };
    let telemetry = Telemetry::default().with_witness(Arc::clone(&audit) as _);
    let gateway = Gateway::new(vec![Served::new(gate, policy)], limits, telemetry);
    let (ann, stop) = (ann(), CancellationToken::new());
    let describe = async |name: &str| {
        let request = DescribeRequest { relations: vec![name.to_owned()], ..DescribeRequest::default() };
        gateway.describe(&ann, request, &stop).await
    };
    describe("s.notes").await.unwrap();
    describe("s.hidden").await.unwrap_err();
    let words = SearchRequest { query: "notes".to_owned(), ..SearchRequest::default() };
    gateway.search_objects(&ann, words, &stop).await.unwrap();
    gateway.search_objects(&ann, SearchRequest::default(), &stop).await.unwrap();
    gateway.database_health(&ann, HealthRequest::default(), &stop).await.unwrap();
    let top = TopQueriesRequest { database: None, by: StatementOrder::TotalTime, limit: None };
    // The server does not count statements.
    gateway.top_queries(&ann, top, &stop).await.unwrap_err();
    let read = async |uri: &str| gateway.read_resource(&ann, uri).await.unwrap();
    assert!(read("postgres://ground/s/notes").await.is_some());
    assert!(read("postgres://ground/s/hidden").await.is_none());
    audit.close().await;
    let records = ground.records();
    let decisions: Vec<&Value> = records.iter().filter(|record| record["event"] == "decision").collect();
    let told =
        |record: &&Value| json!([record["kind"], record["outcome"], record["sqlstate"], record["relations"]]);
    let told: Vec<Value> = decisions.iter().map(told).collect();
    let expected = json!([
        ["describe", "allowed", null, ["s.notes"]],
        ["describe", "refused", "42P01", ["s.hidden"]],
        ["search_objects", "allowed", null, ["s.notes"]],
        ["search_objects", "allowed", null, null],
        ["database_health", "allowed", null, null],
        ["top_queries", "refused", "0A000", null],
        ["resource", "allowed", null, ["s.notes"]],
        ["resource", "refused", "42704", ["s.hidden"]],
    ]);
    assert_eq!(told.len(), 8, "{told:?}");
    for (told, expected) in told.iter().zip(expected.as_array().unwrap()) {
        // What is found depends on the server.
        let parts = if told[0] == "database_health" { 3 } else { 4 };
        let (told, expected) = (told.as_array().unwrap(), expected.as_array().unwrap());
        assert_eq!(told[..parts], expected[..parts]);
    }
    let version = &decisions[0]["policy"];
    for record in &decisions {
        assert_eq!((&record["subject"], &record["database"]), (&json!("ann"), &json!("ground")), "{record}");
        assert!(record["policy"] == *version && record["duration_us"].is_u64(), "{record}");
        assert!(record.get("statement").is_none() && record["query_id"].is_string(), "{record}");
    }
    assert!(!format!("{records:?}").contains("kanari"), "{records:?}");
}

#[tokio::test]
async fn where_reads_need_their_record_no_look_goes_without() {
    let ground = Ground::new().await;
    let settings = Settings { required: Required::All, ..ground.settings() };
    let audit = Audit::open(settings).await.unwrap();
    let gateway = ground.gateway(&audit, "none");
    let (ann, stop) = (ann(), CancellationToken::new());
    assert!(gateway.read_resource(&ann, "postgres://ground/s/notes").await.unwrap().is_some());
    ground.mode(0o666);
    crate::support::until("the log cannot be written", async || {
        gateway.search_objects(&ann, SearchRequest::default(), &stop).await.err()
    })
    .await;
    let refused = gateway.read_resource(&ann, "postgres://ground/s/notes").await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("audit.failed"));
}
