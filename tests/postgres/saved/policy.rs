//! Whose policy holds, and what is never told.

use pgwarden::gateway::{PolicySource, QueryRequest, When};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::mcp_wire::code;
use crate::support::Template;

/// In the names of all that is hidden.
const MARKER: &str = "zqxmarker";

async fn with_hidden(database: &Database<'_>) {
    let sql = format!(
        "CREATE SCHEMA {MARKER}_schema; CREATE TABLE {MARKER}_schema.t (id integer);
         CREATE TABLE shop.{MARKER}_table (id integer); ALTER TABLE shop.orders ADD COLUMN {MARKER}_column integer;
         COMMENT ON TABLE shop.products IS '{MARKER} comment';
         GRANT USAGE ON SCHEMA {MARKER}_schema TO {READER}; GRANT SELECT ON ALL TABLES IN SCHEMA {MARKER}_schema, shop TO {READER}"
    );
    database.admin().await.batch_execute(&sql).await.unwrap();
}

fn hiding() -> String {
    format!("{SHOP}[[deny]]\nselect = [\"shop.{MARKER}_table\", \"shop.orders.{MARKER}_column\"]\n")
}

#[tokio::test]
async fn a_query_that_the_policy_refuses_is_as_unknown_as_one_that_nobody_saved() {
    let database = Database::create(Template::Shop).await;
    with_hidden(&database).await;
    let queries = [
        query("of_schema", &format!("SELECT * FROM {MARKER}_schema.t"), &[]),
        query("of_table", &format!("SELECT * FROM shop.{MARKER}_table"), &[]),
        query("of_column", &format!("SELECT {MARKER}_column FROM shop.orders"), &[]),
        query("of_nothing", "SELECT missing FROM shop.nowhere", &[]),
        query(
            "allowed",
            "SELECT count(*) FROM shop.products WHERE price > $1",
            &["{ name = \"price\", type = \"numeric\" }"],
        ),
    ]
    .concat();
    let gateway = gateway(&database, &hiding(), &queries).await;
    let named: Vec<String> =
        gateway.saved_queries(&anna(), None).await.iter().map(|saved| saved.query.name.clone()).collect();
    assert_eq!(named, ["allowed"]);
    let mut peer = peer_of(gateway).await;
    let tools = tools(&mut peer).await.to_string();
    assert!(tools.contains("\"allowed\"") && !tools.contains(MARKER) && !tools.contains("of_"), "{tools}");
    for name in ["of_schema", "of_table", "of_column", "of_nothing"] {
        let told = |answer: Value| answer.to_string().replace(name, "nobody_saved");
        let nobody = call(&mut peer, "nobody_saved", json!({"price": "1"})).await;
        let refused = call(&mut peer, name, json!({"price": "1"})).await;
        assert_eq!((code(&refused), told(refused)), (-32602, nobody.to_string()));
        let by_name = |name: &str| json!({"name": name, "arguments": ["price=1"]});
        let nobody = refusal(&mut peer, "run_saved_query", by_name("nobody_saved")).await;
        let refused = refusal(&mut peer, "run_saved_query", by_name(name)).await;
        assert_eq!((&refused["rule"], told(refused.clone())), (&json!("saved.unknown"), nobody.to_string()));
    }
    let listed = call(&mut peer, "run_saved_query", json!({})).await;
    assert_eq!(listed["result"]["structuredContent"]["total"], 1);
    for arguments in [json!({}), json!({"price": "x"}), json!({"price": "1"}), json!({"pr": "1"})] {
        let answer = call(&mut peer, "allowed", arguments).await.to_string();
        assert!(!answer.contains(MARKER), "{answer}");
    }
    assert!(!listed.to_string().contains(MARKER), "{listed}");
}

#[tokio::test]
async fn without_the_group_there_are_none_and_without_query_they_are_still_there() {
    let database = Database::create(Template::Shop).await;
    let queries = query("one_row", "SELECT 1 AS one", &[]);
    let with = |tools: &str| SHOP.replace("include", &format!("tools = [{tools}]\ninclude"));
    let mut peer_ = peer(&database, &with("\"query\", \"schema\""), &queries).await;
    assert_eq!(saved_tools(&mut peer_).await, [Value::Null; 0]);
    assert_eq!(code(&call(&mut peer_, "one_row", json!({})).await), -32602);
    assert_eq!(code(&call(&mut peer_, "run_saved_query", json!({})).await), -32602);

    let mut peer_ = peer(&database, &with("\"saved\""), &queries).await;
    let listed = tools(&mut peer_).await;
    assert_eq!(tool_names(&listed), ["task_result", "task_cancel", "one_row"]);
    assert_eq!(rows(&mut peer_, "one_row", json!({})).await, json!([[1]]));
    let error = refusal(&mut peer_, "query", json!({"sql": "SELECT 1"})).await;
    assert_eq!(error["rule"], "policy.tools");
}

#[tokio::test]
async fn masks_filters_and_limits_hold_as_for_any_statement_and_claims_choose_the_policy() {
    let database = Database::create(Template::Shop).await;
    let guarded = format!(
        "{SHOP}[[mask]]\ncolumns = [\"shop.customers.email\"]\nwith = {{ text = \"(hidden)\" }}\n\
         [[filter]]\nrelations = [\"shop.customers\"]\nwhere = \"segment::text = caller.segment\"\n\
         [limits]\nrows = 4\ncharacters = 9000\nseconds = 9\njoins = 2\n"
    );
    let few = SHOP.replace("shop.*", "shop.products");
    let sql = "SELECT email, segment::text FROM shop.customers ORDER BY id";
    let mut queries = query("customer_mail", sql, &[]);
    queries.push_str("notes = \"mail is for letters only\"\nlimit = 7\n");
    let of = |text: &str| PolicySource::fixed(Policy::parse(text, "p.toml").unwrap());
    let role = |role: &str| When::new([("role".to_owned(), role.to_owned())].into()).unwrap();
    let policies = Policies::new(vec![(role("sales"), of(&guarded)), (role("stock"), of(&few))], None);
    let gateway = gateway_of(vec![served("shop", &database, policies, parsed(&queries))]).await;
    let caller = |claims: &[(&str, &str)]| Caller { claims: claims.iter().copied().collect(), ..anna() };

    let sales = caller(&[("role", "sales"), ("segment", "business")]);
    let saved = gateway.saved_queries(&sales, Some("customer_mail")).await;
    let request =
        saved[0].query.request("shop", "customer_mail", &Default::default(), Default::default()).unwrap();
    let output = gateway.query(&sales, request.clone(), &CancellationToken::new()).await.unwrap();
    assert_eq!(
        output.rows.get(),
        "[[\"(hidden)\",\"business\"],[\"(hidden)\",\"business\"],[\"(hidden)\",\"business\"],[\"(hidden)\",\"business\"]]"
    );
    assert_eq!(
        (output.row_count, output.truncated, output.notices[0].as_str()),
        (4, true, "mail is for letters only")
    );
    assert_eq!(
        output.truncated_reason.unwrap(),
        "there are more rows than this saved query gives: narrow its parameters"
    );

    // The same statement, written by the caller.
    let own = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    let same = gateway.query(&sales, own, &CancellationToken::new()).await.unwrap();
    assert_eq!(same.rows.get(), output.rows.get());

    for other in [caller(&[("role", "stock")]), caller(&[("role", "sales")]), caller(&[("role", "boss")])] {
        assert!(gateway.saved_queries(&other, None).await.is_empty(), "{other:?}");
        // A policy that changed after the call had found its query.
        let refused = gateway.query(&other, request.clone(), &CancellationToken::new()).await.unwrap_err();
        let text = format!("{}{}", refused.render(&request.sql), serde_json::to_string(&refused).unwrap());
        assert!(!text.contains("customers") && !text.contains("email"), "{text}");
    }
    let refused =
        gateway.query(&caller(&[("role", "stock")]), request, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("saved.refused"));
    assert_eq!(refused.message, "the saved query `customer_mail` cannot be run now");
}

#[tokio::test]
async fn the_statement_is_shown_only_where_its_entry_says_so() {
    let database = Database::create(Template::Shop).await;
    let secret =
        "SELECT id AS visible_name FROM shop.products WHERE name <> 'written by the DBA' AND id / $1 >= 0";
    let parameter = ["{ name = \"by\", type = \"integer\" }"];
    let (hidden, shown) = (query("hidden_text", secret, &parameter), query("shown_text", secret, &parameter));
    let queries = format!("{hidden}{shown}show_sql = true\n");
    let mut peer = peer(&database, SHOP, &queries).await;
    let tools = saved_tools(&mut peer).await;
    assert!(!tools[0].to_string().contains("written by the DBA"), "{}", tools[0]);
    assert!(tools[1]["description"].as_str().unwrap().contains(secret), "{}", tools[1]);
    let listed = call(&mut peer, "run_saved_query", json!({})).await["result"]["structuredContent"].clone();
    assert_eq!((listed["queries"][0].get("sql"), &listed["queries"][1]["sql"]), (None, &json!(secret)));
    // Answers, refusals and PostgreSQL's own errors.
    for (arguments, wrong) in
        [(json!({"by": 1}), false), (json!({"by": "x"}), true), (json!({"by": 0}), true)]
    {
        let answer = call(&mut peer, "hidden_text", arguments).await;
        assert_eq!(answer["result"]["isError"], wrong, "{answer}");
        assert!(
            !answer.to_string().contains("written by the DBA")
                && !answer.to_string().contains("shop.products"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn what_was_dropped_meanwhile_is_not_named() {
    let database = Database::create(Template::Shop).await;
    database
        .admin()
        .await
        .batch_execute(&format!(
            "CREATE TABLE shop.{MARKER} (id integer); GRANT SELECT ON shop.{MARKER} TO {READER}"
        ))
        .await
        .unwrap();
    let gateway =
        gateway(&database, SHOP, &query("short_lived", &format!("SELECT id FROM shop.{MARKER}"), &[])).await;
    let saved = gateway.saved_queries(&anna(), None).await;
    let request =
        saved[0].query.request("shop", "short_lived", &Default::default(), Default::default()).unwrap();
    gateway.query(&anna(), request.clone(), &CancellationToken::new()).await.unwrap();
    // The catalog still has it, PostgreSQL has not.
    database.admin().await.batch_execute(&format!("DROP TABLE shop.{MARKER}")).await.unwrap();
    let refused = gateway.query(&anna(), request.clone(), &CancellationToken::new()).await.unwrap_err();
    assert!(!format!("{refused:?}").contains(MARKER), "{refused:?}");
    assert_eq!(refused.rule.as_deref(), Some("saved.refused"));
}

#[tokio::test]
async fn there_are_none_while_a_policy_protects_what_is_gone() {
    let database = Database::create(Template::Shop).await;
    with_hidden(&database).await;
    let policy = Policy::parse(&hiding(), "policy.toml").unwrap();
    let served = served("shop", &database, policy, parsed(&query("one_row", "SELECT 1 AS one", &[])));
    let gate = Arc::clone(&served.database);
    let gateway = gateway_of(vec![served]).await;
    assert_eq!(gateway.saved_queries(&anna(), None).await.len(), 1);
    // Under its new name nothing protects it.
    let rename = format!("ALTER TABLE shop.{MARKER}_table RENAME TO now_open");
    database.admin().await.batch_execute(&rename).await.unwrap();
    crate::support::until("they are gone", async || {
        gate.refresh().await.unwrap();
        gateway.saved_queries(&anna(), None).await.is_empty().then_some(())
    })
    .await;
}
