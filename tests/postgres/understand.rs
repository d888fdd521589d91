//! A strange database is understood in few calls: 300 tables in six schemas, and twenty questions.

use pgwarden::auth::Caller;
use pgwarden::gateway::{CallLimits, Gateway, Notes, NotesSource, SearchRequest, Served};
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::support::{Database, Template, enterprise, gate_with};

const POLICY: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"*.*\"]\n";

async fn gateway(database: &Database<'_>) -> Gateway {
    gateway_with(database, NotesSource::default()).await
}

async fn gateway_with(database: &Database<'_>, notes: NotesSource) -> Gateway {
    database.admin().await.batch_execute(&enterprise::sql()).await.unwrap();
    let gate = gate_with(&database.admin_url(), |settings| {
        settings.accepted.extend(["superuser", "bypassrls", "replication", "createrole"].map(str::to_owned));
    });
    let limits = CallLimits {
        rows: 1_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(30),
    };
    let policy = Policy::parse(POLICY, "policy.toml").unwrap();
    let gateway =
        Gateway::new(vec![Served::new(gate, policy).with_notes(notes)], limits, Telemetry::default());
    gateway.ready().await.unwrap();
    gateway
}

async fn search(gateway: &Gateway, request: SearchRequest) -> Value {
    let caller = Caller::local("anna");
    gateway.search_objects(&caller, request, &CancellationToken::new()).await.unwrap().0
}

#[tokio::test]
async fn the_tables_of_a_question_are_its_first_three_hits() {
    let database = Database::create(Template::Empty).await;
    let gateway = gateway(&database).await;
    for (questions, most) in [(enterprise::questions(), 2), (enterprise::held_out(), 3)] {
        let all = questions.len();
        let mut missed = Vec::new();
        for (question, mut wanted) in questions {
            let request =
                SearchRequest { query: question.to_owned(), limit: Some(6), ..SearchRequest::default() };
            let answer = search(&gateway, request).await;
            let hits: Vec<&str> = answer["objects"]
                .as_array()
                .unwrap()
                .iter()
                .map(|o| o["relation"].as_str().unwrap())
                .collect();
            let mut first = hits[..3.min(hits.len())].to_vec();
            first.sort_unstable();
            wanted.sort_unstable();
            if first != wanted {
                missed.push(format!("{question}\n  wanted {wanted:?}\n  found  {hits:?}"));
            }
        }
        println!("{} of {all}\n{}", all - missed.len(), missed.join("\n"));
        assert!(missed.len() <= most, "{} missed:\n{}", missed.len(), missed.join("\n"));
    }
}

#[tokio::test]
async fn lookalikes_stand_behind_what_they_look_like_and_keys_lead_on() {
    let database = Database::create(Template::Empty).await;
    let gateway = gateway(&database).await;
    let ask = async |query: &str| {
        let request = SearchRequest { query: query.to_owned(), ..SearchRequest::default() };
        search(&gateway, request).await["objects"].clone()
    };
    let hits = ask("training courses that somebody completed").await;
    let names: Vec<&str> = hits.as_array().unwrap().iter().map(|o| o["relation"].as_str().unwrap()).collect();
    assert_eq!(names[..2], ["hr.training", "hr.enrollment"]);
    assert!(names.contains(&"hr.employee"), "who takes part: {names:?}");
    let endings = ["training_attachment", "training_history", "training_import_staging", "training_tag"];
    assert_eq!(hits[0]["similar"], serde_json::json!(endings));
    // Asked for, it is a hit of its own.
    assert_eq!(ask("history of training").await[0]["relation"], "hr.training_history");
    assert_eq!(ask("trainig").await[0]["relation"], "hr.training");
}

/// What no name or comment of the database says, the DBA does.
#[tokio::test]
async fn a_synonym_finds_what_nobody_calls_by_its_name() {
    let database = Database::create(Template::Empty).await;
    let text = "version = 1
        [[relation]]
        name = \"logistics.vehicle\"
        synonyms = [\"truck\", \"lorry\"]";
    let notes = NotesSource::fixed(Notes::parse(text, "notes.toml").unwrap());
    let (bare, noted) = (gateway(&database).await, Database::create(Template::Empty).await);
    let noted = gateway_with(&noted, notes).await;
    let first = async |gateway: &Gateway| {
        let request =
            SearchRequest { query: "which trucks need repair".to_owned(), ..SearchRequest::default() };
        search(gateway, request).await["objects"][0]["relation"].clone()
    };
    assert_ne!(first(&bare).await, "logistics.vehicle");
    assert_eq!(first(&noted).await, "logistics.vehicle");
}

#[tokio::test]
async fn the_overview_says_all_and_less_where_it_may_not_be_long() {
    let database = Database::create(Template::Empty).await;
    let gateway = gateway(&database).await;
    let overview = search(&gateway, SearchRequest::default()).await;
    assert_eq!((&overview["detail"], &overview["truncated"]), (&json!("full"), &json!(false)));
    let lines: Vec<&str> = overview["schemas"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|schema| schema["relations"].as_array().unwrap())
        .map(|line| line.as_str().unwrap())
        .collect();
    assert_eq!((lines.len(), overview["total"].as_u64()), (300, Some(300)));
    assert!(lines.iter().all(|line| line.contains(" (id)") && line.contains(": ")), "{lines:#?}");
    let line = "order_line ~0 (id) product_id>product purchase_order_id>purchase_order: Single positions of an order: \
        product, quantity, price";
    assert!(lines.contains(&line), "{lines:#?}");
    assert!(overview.to_string().contains("customer_id>sales.customer"), "another schema is named");
    for (tokens, detail) in
        [(9_000, "folded"), (2_500, "folded"), (1_800, "keys"), (600, "names"), (1, "names")]
    {
        let request = SearchRequest { tokens: Some(tokens), ..SearchRequest::default() };
        let less = search(&gateway, request).await;
        let characters = less.to_string().chars().count();
        assert!(characters <= 3 * usize::try_from(tokens.max(200)).unwrap(), "{tokens}: {characters}");
        assert_eq!(
            (&less["detail"], &less["truncated"], &less["total"]),
            (&json!(detail), &json!(true), &json!(300))
        );
    }
    let request = SearchRequest { tokens: Some(9_000), ..SearchRequest::default() };
    assert!(search(&gateway, request).await.to_string().contains("\"customer (+4 customer_*)"), "counted");
}
