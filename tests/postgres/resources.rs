//! Resources of a real database: the policy in words, functions, both forms, hints; completion; and nothing hidden in any of
//! it.

mod completing;
mod hidden;

use std::time::Duration;

use pgwarden::gateway::{CallLimits, Gateway, Policies, PolicySource, Served, When};
use pgwarden::mcp::Settings;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};

use crate::mcp_wire::{StdioPeer, initialize, request, stateless};
use crate::support::{Database, READER, Template, gate};

/// Hides everything with `zmarker` in its name.
const POLICY: &str = "version = 1
    include = []
    tools = [\"query\", \"schema\"]
    [[allow]]
    select = [\"shop.*\", \"zmarker_gone.*\"]
    [[allow]]
    select = [\"app.zmarker*\"]
    optional = true
    [[allow]]
    execute = [\"shop.*\"]
    [[deny]]
    select = [\"*.zmarker*\", \"shop.customers.zmarker_col\"]
    [[deny]]
    execute = [\"*.zmarker*\"]
    [[mask]]
    columns = [\"shop.customers.full_name\"]
    with = { keep_first = 1 }
    [[mask]]
    columns = [\"shop.customers.nick\"]
    with = { expression = \"value || zmarker_col\" }
    [[filter]]
    relations = [\"shop.orders\"]
    where = \"id > 5 AND caller.zmarker_claim IS NOT NULL\"
    [limits]
    rows = 50
    characters = 20000
    seconds = 7
    joins = 4
    [limits.caller]
    concurrent = 3
    per_minute = 90
";

const SCRIPT: &str = "
    CREATE SCHEMA zmarker_hr;
    CREATE TABLE zmarker_hr.pay (id integer);
    CREATE SCHEMA zmarker_gone;
    CREATE TABLE shop.zmarker_notes (id integer PRIMARY KEY, body text);
    COMMENT ON TABLE shop.zmarker_notes IS 'zmarker';
    ALTER TABLE shop.customers ADD COLUMN zmarker_col text, ADD COLUMN nick text;
    CREATE INDEX ON shop.customers (zmarker_col);
    CREATE TABLE shop.linked (note integer REFERENCES shop.zmarker_notes, n integer CHECK (n > 0));
    CREATE FUNCTION shop.add_tax(price numeric, rate numeric DEFAULT 0.2) RETURNS numeric
        LANGUAGE sql IMMUTABLE AS 'SELECT price * (1 + rate)';
    CREATE FUNCTION shop.add_tax(price integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT price';
    CREATE FUNCTION shop.lines(OUT n integer, OUT word text) RETURNS SETOF record
        LANGUAGE sql STABLE AS 'SELECT 1, ''a''::text';
    CREATE FUNCTION shop.note_of(id integer) RETURNS shop.zmarker_notes
        LANGUAGE sql STABLE AS 'SELECT * FROM shop.zmarker_notes LIMIT 1';
    CREATE FUNCTION shop.zmarker_fn() RETURNS integer LANGUAGE sql AS 'SELECT 1';
    CREATE PROCEDURE shop.tidy() LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION shop.on_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    GRANT SELECT ON ALL TABLES IN SCHEMA shop TO ";

async fn database() -> Database<'static> {
    let database = Database::create(Template::Shop).await;
    database.admin().await.batch_execute(&format!("{SCRIPT}{READER}")).await.unwrap();
    database
}

fn policy() -> Policy {
    Policy::parse(POLICY, "policy.toml").unwrap()
}

fn gateway(database: &Database<'_>, policies: impl Into<Policies>, characters: usize) -> Gateway {
    let served = Served::new(gate(&database.url(READER)), policies);
    let limits =
        CallLimits { rows: 1_000, characters, field_characters: 4_000, deadline: Duration::from_secs(30) };
    Gateway::new(vec![served], limits, Telemetry::default())
}

async fn peer(gateway: Gateway) -> StdioPeer {
    let mut peer = StdioPeer::with(gateway, Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    peer
}

async fn read(peer: &mut StdioPeer, uri: &str) -> Value {
    let answer = peer.ask(&request(1, "resources/read", json!({"uri": uri}))).await;
    let contents = answer["result"]["contents"][0].clone();
    assert_eq!(contents["uri"], uri, "{answer}");
    contents
}

async fn page(peer: &mut StdioPeer, uri: &str) -> String {
    let contents = read(peer, uri).await;
    assert_eq!(contents["mimeType"], "text/markdown");
    contents["text"].as_str().unwrap().to_owned()
}

async fn document(peer: &mut StdioPeer, uri: &str) -> Value {
    let contents = read(peer, &format!("{uri}?format=json")).await;
    assert_eq!(contents["mimeType"], "application/json");
    serde_json::from_str(contents["text"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn the_policy_says_what_may_be_read_what_is_masked_and_filtered_and_how_much() {
    let database = database().await;
    let mut peer = peer(gateway(&database, policy(), 40_000)).await;
    let words = document(&mut peer, "pgwarden://test/policy").await;
    assert_eq!(words["tools"], json!(["query", "schema"]));
    assert_eq!(words["readable"], json!(["shop.*"]));
    assert_eq!(words["filtered"], json!(["shop.orders"]));
    assert_eq!(
        words["masked"],
        json!([
            {"relation": "shop.customers", "column": "full_name", "shows": "only the first 1 characters; not in conditions (mask[1])"},
            {"relation": "shop.customers", "column": "nick", "shows": "what the policy makes of it; not in conditions (mask[2])"},
        ])
    );
    assert_eq!(
        words["limits"],
        json!({"rows": 50, "characters": 20_000, "seconds": 7, "joins": 4, "concurrent": 3, "per_minute": 90})
    );
    let relations = words["relations"].as_object().unwrap();
    assert_eq!(relations["shop"]["count"], 11);
    assert!(
        relations.len() == 1 && relations["shop"]["names"].as_array().unwrap().contains(&json!("linked"))
    );
    let page = page(&mut peer, "pgwarden://test/policy").await;
    for line in [
        "Tools of the groups: query, schema.",
        "of what the policy allows as `shop.*`",
        "- `shop.orders`",
        "| shop.customers | full_name | only the first 1 characters; not in conditions (mask[1]) |",
        "- 50 rows of an answer",
        "- 90 statements a minute",
        "functions of the database: 5;",
    ] {
        assert!(page.contains(line), "`{line}` is not in {page}");
    }
}

#[tokio::test]
async fn functions_are_those_that_a_statement_may_call() {
    let database = database().await;
    let mut peer = peer(gateway(&database, policy(), 40_000)).await;
    let all = document(&mut peer, "pgwarden://test/routines").await;
    let mut names: Vec<&str> =
        all["routines"].as_array().unwrap().iter().map(|one| one["routine"].as_str().unwrap()).collect();
    names.dedup();
    // The last two are the sample database's.
    assert_eq!(names, ["shop.add_tax", "shop.lines", "shop.note_of", "shop.stock_of", "shop.with_vat"]);
    let tax = document(&mut peer, "pgwarden://test/routines/shop/add_tax").await;
    assert_eq!(
        tax["routines"][0],
        json!({
            "routine": "shop.add_tax", "kind": "function", "arguments": "price numeric, rate numeric",
            "returns": "numeric",
        })
    );
    assert_eq!(tax["routines"].as_array().unwrap().len(), 2, "each overload");
    let lines = page(&mut peer, "pgwarden://test/routines/shop/lines").await;
    assert!(lines.contains("returns a set of `record`, columns `n, word`"), "{lines}");
    let note = document(&mut peer, "pgwarden://test/routines/shop/note_of").await;
    assert_eq!(note["routines"][0].get("returns"), None, "its type is that of a hidden table: {note}");
    for name in ["tidy", "on_change", "zmarker_fn", "no_such"] {
        let uri = format!("pgwarden://test/routines/shop/{name}");
        let answer = peer.ask(&request(1, "resources/read", json!({"uri": uri}))).await;
        assert_eq!(answer["error"]["code"], -32002, "{answer}");
    }
}

#[tokio::test]
async fn the_json_of_a_relation_is_what_describe_says() {
    let database = database().await;
    let mut peer = peer(gateway(&database, policy(), 40_000)).await;
    let relation = document(&mut peer, "postgres://test/shop/customers").await;
    let params = json!({"name": "describe", "arguments": {"relations": ["shop.customers"]}});
    let described = peer.ask(&request(2, "tools/call", params)).await;
    assert_eq!(described["result"]["structuredContent"]["relations"][0], relation);
    let schema = document(&mut peer, "postgres://test/shop").await;
    let whole = document(&mut peer, "postgres://test").await;
    assert_eq!((&whole["schemas"][0], &whole["database"]), (&schema, &json!("test")));
    let names: Vec<&Value> =
        schema["relations"].as_array().unwrap().iter().map(|one| &one["relation"]).collect();
    assert!(names.contains(&&json!("shop.orders")) && schema.get("truncated").is_none(), "{schema}");
}

#[tokio::test]
async fn what_is_longer_than_an_answer_is_cut_and_says_so() {
    let database = database().await;
    let mut peer = peer(gateway(&database, policy(), 1_000)).await;
    for uri in ["postgres://test", "postgres://test/shop"] {
        let page = page(&mut peer, uri).await;
        assert!(page.chars().count() <= 1_000 && page.contains("\n(Cut here: "), "{page}");
        assert!(!page.contains("`shop.support_tickets"), "{page}");
        let object = document(&mut peer, uri).await;
        assert_eq!(object["truncated"], true, "{object}");
        assert!(object.to_string().chars().count() <= 1_000, "{object}");
    }
    let uri = "postgres://test/shop/customers?format=json";
    let mut peer = self::peer(gateway(&database, policy(), 600)).await;
    let answer = peer.ask(&request(1, "resources/read", json!({"uri": uri}))).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("longer than 600 characters"), "{answer}");
}

#[tokio::test]
async fn the_list_has_notes_for_clients() {
    let database = database().await;
    let mut peer = peer(gateway(&database, policy(), 40_000)).await;
    let answer = peer.ask(&request(1, "resources/list", json!({}))).await;
    let resources = answer["result"]["resources"].as_array().unwrap();
    let uris: Vec<&str> = resources.iter().map(|one| one["uri"].as_str().unwrap()).collect();
    let first =
        ["postgres://test", "pgwarden://test/policy", "pgwarden://test/routines", "postgres://test/shop"];
    assert_eq!(uris[..4], first);
    for resource in resources {
        let notes = &resource["annotations"];
        assert_eq!(notes["audience"], json!(["user", "assistant"]), "{resource}");
        assert!((0.0..=1.0).contains(&notes["priority"].as_f64().unwrap()), "{resource}");
        assert_eq!(resource.get("size"), None, "unknown before it is written");
        // When the catalog was read would tell when something hidden changed.
        assert_eq!(notes.get("lastModified"), None, "{resource}");
    }
}

#[tokio::test]
async fn answers_may_be_kept_by_all_only_where_all_get_the_same() {
    let database = database().await;
    let plain =
        || Policy::parse("version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n", "p").unwrap();
    let when = When::new([("role".to_owned(), "boss".to_owned())].into_iter().collect()).unwrap();
    let mapped = Policies::new(
        vec![(when, PolicySource::fixed(Policy::builtin()))],
        Some(PolicySource::fixed(plain())),
    );
    for (policies, scope) in [(plain().into(), "public"), (policy().into(), "private"), (mapped, "private")] {
        let policies: Policies = policies;
        let mut peer = StdioPeer::with(gateway(&database, policies, 40_000), Settings::default());
        for (method, params, ttl) in [
            ("tools/list", json!({}), 60_000),
            ("prompts/list", json!({}), 60_000),
            ("resources/templates/list", json!({}), 60_000),
            ("resources/list", json!({}), 10_000),
            ("resources/read", json!({"uri": "postgres://test/shop"}), 10_000),
        ] {
            let answer = peer.ask(&stateless(1, method, params)).await;
            let hints = (&answer["result"]["cacheScope"], &answer["result"]["ttlMs"]);
            assert_eq!(hints, (&json!(scope), &json!(ttl)), "{method}: {answer}");
        }
    }
}
