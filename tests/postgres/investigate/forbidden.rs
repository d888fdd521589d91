//! A model that wants what it may not have.

use pgwarden::mcp::InvestigateBounds;
use serde_json::{Value, json};

use super::{assert_answered, gateway, ground, pushed, queries, results, retried, says, text_of, uses};

const FORBIDDEN: [(&str, &str); 9] = [
    ("query", "SELECT * FROM inv.zzmarker_dossiers"),
    ("query", "SELECT zzmarker_cost FROM inv.sales"),
    ("query", "DROP TABLE inv.sales"),
    ("query", "DELETE FROM inv.sales"),
    ("query", "SELECT pg_read_file('/etc/passwd')"),
    ("execute", "DELETE FROM inv.sales"),
    ("preview", "DELETE FROM inv.sales"),
    ("investigate", "SELECT 1"),
    ("made_up", "SELECT 1"),
];

fn model(round: usize, params: &Value) -> Value {
    assert_answered(params);
    if let Some((name, sql)) = FORBIDDEN.get(round) {
        return uses(&[("same", name, json!({"sql": sql}))]);
    }
    if round == FORBIDDEN.len() {
        return uses(&[
            ("d", "describe", json!({"relations": ["inv.zzmarker_dossiers"]})),
            ("e", "explain", json!({"sql": "SELECT * FROM inv.zzmarker_dossiers"})),
            ("f", "query", json!({"sql": "SELECT 1", "database": "postgres"})),
            ("g", "query", json!("SELECT 1")),
        ]);
    }
    says("nothing was to be had")
}

#[tokio::test]
async fn everything_forbidden_is_refused_in_both_eras_and_changes_nothing() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let bounds = || InvestigateBounds { rounds: 20, ..InvestigateBounds::default() };
    for outcome in [pushed(&gateway, bounds(), model).await, retried(&gateway, bounds(), model).await] {
        assert_eq!(outcome.found()["status"], "complete", "{}", outcome.result);
        assert_eq!(outcome.found()["evidence"], json!([]), "nothing ran");
        for asked in outcome.asked.iter().skip(1) {
            for result in results(asked) {
                assert_eq!(result["isError"], true, "{result}");
            }
        }
        let unknown = text_of(results(&outcome.asked[6])[0]);
        assert!(unknown.contains("no such tool"), "{unknown}");
    }
    let count: i64 =
        database.admin().await.query_one("SELECT count(*) FROM inv.sales", &[]).await.unwrap().get(0);
    assert_eq!(count, 41);
}

#[tokio::test]
async fn fifty_calls_at_once_are_all_answered_and_few_are_run() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let model = |round: usize, params: &Value| {
        assert_answered(params);
        if round > 0 {
            return says("enough");
        }
        let ids: Vec<String> = (0..50).map(|n| format!("n{n}")).collect();
        let calls: Vec<_> = ids.iter().map(|id| (id.as_str(), "query", json!({"sql": "SELECT 1"}))).collect();
        uses(&calls)
    };
    let outcome = retried(&gateway, InvestigateBounds::default(), model).await;
    let answered = results(&outcome.asked[1]);
    let run = answered.iter().filter(|result| result["isError"] == false).count();
    assert_eq!((answered.len(), run), (50, 8));
    assert_eq!(
        (&outcome.found()["calls"], outcome.found()["evidence"].as_array().unwrap().len()),
        (&json!(8), 8)
    );
}

#[tokio::test]
async fn no_message_to_the_model_has_a_word_of_what_is_hidden() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let model = |round: usize, params: &Value| {
        assert_answered(params);
        match round {
            0 => uses(&[
                ("a", "search_objects", json!({})),
                ("b", "describe", json!({"relations": ["inv.sales"]})),
                ("c", "query", json!({"sql": "SELECT * FROM inv.sales"})),
                ("d", "explain", json!({"sql": "SELECT * FROM inv.sales"})),
                ("e", "query", json!({"sql": "SELECT nope FROM inv.sales"})),
                ("f", "query", json!({"sql": "SELECT 1 / (amount - 1000) FROM inv.sales"})),
                ("g", "query", json!({"sql": "SELECT region::integer FROM inv.sales"})),
            ]),
            1 => queries("h", "SELECT count(*), max(amount) FROM inv.sales"),
            _ => says("40 sales"),
        }
    };
    let bounds = InvestigateBounds::default;
    for outcome in [pushed(&gateway, bounds(), model).await, retried(&gateway, bounds(), model).await] {
        for message in outcome.asked.iter().chain([&outcome.result]) {
            assert!(!message.to_string().contains("zzmarker"), "{message}");
        }
        assert!(text_of(results(&outcome.asked[2])[0]).contains("[40,40]"), "{}", outcome.asked[2]);
        let first = results(&outcome.asked[1]);
        assert_eq!(first[2]["isError"], false, "{}", first[2]);
        assert!(text_of(first[0]).contains("sales") && text_of(first[1]).contains("region"));
    }
}
