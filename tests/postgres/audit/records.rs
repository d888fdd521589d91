//! What is recorded of each call.

use super::*;

#[tokio::test]
async fn a_session_leaves_exactly_its_records_and_no_value() {
    let ground = Ground::new().await;
    let audit = Audit::open(ground.settings()).await.unwrap();
    let gateway = ground.gateway(&audit, "requester");
    let sql = "SELECT body FROM s.notes WHERE id = 1 OR body IN ('kanari-literal', $1)";
    assert_eq!(query(&gateway, sql, &["kanari-parameter"]).await.unwrap().row_count, 1);
    query(&gateway, "SELECT id FROM s.hidden WHERE id = 4711", &[]).await.unwrap_err();
    let stop = CancellationToken::new();
    let long = "SELECT count(*) FROM generate_series(1, 1000000000) AS n";
    let request = QueryRequest { sql: long.to_owned(), ..QueryRequest::default() };
    let caller = ann();
    let (canceled, ()) = tokio::join!(gateway.query(&caller, request, &stop), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stop.cancel();
    });
    assert_eq!(canceled.unwrap_err().sqlstate.as_str(), "57014");
    let asked = execute(&gateway, ExecuteRequest::New(insert("kanari-parameter"))).await.unwrap();
    let Executed::Waiting(approval) = asked else { panic!("{asked:?}") };
    let shown = approval.digest().unwrap();
    let decided = gateway.decide(&ann(), approval.id, Decision::Approve, &shown).await.unwrap();
    assert!(matches!(decided, Decided::Done(_)));
    let used = ExecuteRequest::Approved { id: approval.id, again: None };
    execute(&gateway, used).await.unwrap();
    audit.close().await;

    let records = ground.records();
    assert_eq!(
        told(&records),
        [
            "start",
            "decision query allowed",
            "run query completed",
            "decision query refused 42P01",
            "decision query allowed",
            "run query canceled 57014",
            "decision INSERT allowed",
            "run INSERT completed",
            "approval asked",
            "approval approved",
            "approval used",
            "decision INSERT allowed",
            "write INSERT",
            "run INSERT completed",
            "stop",
        ]
    );
    let [_, decided, ran, refused, ..] = &records[..] else { panic!("{records:?}") };
    for (name, value) in [
        ("issuer", "https://id.test"),
        ("subject", "ann"),
        ("client", "test/1"),
        ("client_id", "app"),
        ("token", "t-1"),
        ("database", "ground"),
    ] {
        assert_eq!((&decided[name], &ran[name]), (&value.into(), &value.into()), "{name}");
    }
    assert_eq!(decided["relations"], serde_json::json!(["s.notes"]));
    assert!(decided["rules"].as_array().unwrap().contains(&"allow[1]".into()), "{decided}");
    let text = decided["statement"].as_str().unwrap();
    assert!(text.contains("IN (?, $1)") && text.contains("\"s\".\"notes\""), "{text}");
    assert_eq!(refused["statement"], "SELECT \"id\" FROM \"s\".\"hidden\" WHERE (\"id\" = ?)");
    assert_eq!((&ran["rows"], &ran["query_id"]), (&1.into(), &decided["query_id"]));
    assert!(ran["bytes"].as_u64() > Some(0) && ran["duration_us"].as_u64() > Some(0), "{ran}");
    let [used, again, announced, written] = &records[10..14] else { panic!("{records:?}") };
    assert_eq!((&used["by"], &announced["approval"]), (&"ann (https://id.test)".into(), &used["approval"]));
    assert_eq!((&announced["query_id"], &written["query_id"]), (&again["query_id"], &again["query_id"]));
    assert_eq!(announced["statement"], "INSERT INTO \"s\".\"notes\" AS \"notes\" (\"body\") VALUES ($1)");
    assert_eq!((&written["rows"], &announced["relation"]), (&1.into(), &"s.notes".into()));
    let text = fs::read_to_string(ground.log()).unwrap();
    assert!(!text.contains("kanari") && !text.contains("4711"), "{text}");
    let (status, said) = ground.verify();
    assert!(status == 0 && said.starts_with("whole: 15 records"), "{said}");
}

#[tokio::test]
async fn of_a_statement_is_recorded_what_the_settings_say() {
    let ground = Ground::new().await;
    let sql = |value: &str| format!("SELECT id FROM s.notes WHERE body = '{value}'");
    for statements in [Statements::Whole, Statements::Fingerprint, Statements::None] {
        let audit = Audit::open(Settings { statements, ..ground.settings() }).await.unwrap();
        let gateway = ground.gateway(&audit, "none");
        query(&gateway, &sql("kanari-1"), &[]).await.unwrap();
        query(&gateway, &sql("kanari-2"), &[]).await.unwrap();
        query(&gateway, "SELECT 'kanari-3' FROM s.hidden", &[]).await.unwrap_err();
        audit.close().await;
        let records = ground.records();
        fs::remove_file(ground.log()).unwrap();
        let of = |name: &str| -> Vec<&Value> {
            records
                .iter()
                .filter(|record| record["event"] == "decision")
                .map(|record| &record[name])
                .collect()
        };
        let (texts, prints) = (of("statement"), of("statement_sha256"));
        match statements {
            Statements::Whole => {
                assert!(texts[0].as_str().unwrap().contains("'kanari-1'"), "{texts:?}");
                assert_eq!(texts[2], "SELECT 'kanari-3' FROM \"s\".\"hidden\"");
            }
            Statements::Fingerprint => {
                assert_eq!(prints[0].as_str().unwrap().len(), 64);
                assert_eq!(prints[0], prints[1]);
                assert!(prints[1] != prints[2] && texts.iter().all(|text| text.is_null()));
            }
            Statements::None | Statements::Redacted => {
                assert!(texts.iter().chain(&prints).all(|value| value.is_null()), "{texts:?} {prints:?}");
            }
        }
    }
}
