//! What is hidden makes no sound.

use pgwarden::policy::Policy;
use serde_json::json;

use super::*;

const MARK: &str = "zebra";
const POLICY: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\", \"zebra_schema.*\"]\n\
    [[deny]]\nselect = [\"shop.zebra_*\", \"zebra_schema.*\", \"shop.orders.zebra_code\"]\n";

/// Changes of what the policy denies, and of what the login may not read.
fn hidden_changes() -> Vec<String> {
    vec![
        format!(
            "CREATE TABLE shop.zebra_ledger (id integer, zebra_column text); GRANT SELECT ON shop.zebra_ledger TO {READER}"
        ),
        "ALTER TABLE shop.zebra_ledger ADD COLUMN zebra_more text".to_owned(),
        "COMMENT ON TABLE shop.zebra_ledger IS 'zebra comment'".to_owned(),
        "COMMENT ON COLUMN shop.orders.zebra_code IS 'zebra code'".to_owned(),
        "ALTER TABLE shop.orders ALTER COLUMN zebra_code TYPE varchar(40)".to_owned(),
        "CREATE TABLE shop.unreadable (id integer)".to_owned(),
        "ALTER TABLE shop.unreadable ADD COLUMN more text".to_owned(),
        "CREATE TABLE staff.zebra_unreadable (id integer)".to_owned(),
        format!(
            "CREATE TABLE zebra_schema.zebra (id integer); GRANT SELECT ON zebra_schema.zebra TO {READER}"
        ),
        "COMMENT ON SCHEMA zebra_schema IS 'zebra schema'".to_owned(),
        // Estimates change with no change of the schema; a hidden change must not bring them to light.
        "ANALYZE shop.orders; CREATE TABLE shop.zebra_other (id integer)".to_owned(),
        "DROP TABLE shop.zebra_ledger, shop.zebra_other, shop.unreadable, zebra_schema.zebra".to_owned(),
    ]
}

async fn nothing_is_told(source: Source) {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let prepare = format!(
        "CREATE SCHEMA zebra_schema; GRANT USAGE ON SCHEMA zebra_schema TO {READER};
         CREATE TABLE zebra_schema.kept (id integer); CREATE TABLE shop.zebra_kept (id integer);
         ALTER TABLE shop.orders ADD COLUMN zebra_code varchar(20)"
    );
    admin.batch_execute(&prepare).await.unwrap();
    if source == Source::Trigger {
        admin.batch_execute(INSTALL).await.unwrap();
    }
    let gate = gate_with(&database.url(READER), |settings| settings.name = "shop".to_owned());
    let limits = CallLimits {
        rows: 1_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(30),
    };
    let policy = Policy::parse(POLICY, "policy.toml").unwrap();
    let served = Served::new(std::sync::Arc::clone(&gate), policy);
    let gateway = Gateway::new(vec![served], limits, Telemetry::default());
    gateway.ready().await.unwrap();
    let uris = [
        "postgres://shop",
        SCHEMA,
        ORDERS,
        "postgres://shop/shop/zebra_ledger",
        "postgres://shop/shop/unreadable",
        "postgres://shop/zebra_schema",
        "postgres://shop/zebra_schema/zebra",
    ];
    let mut peers = Vec::new();
    for way in Way::ALL {
        peers.push(Peer::start(way, &gateway, &uris).await);
    }
    let list = gateway.list_resources(&crate::mcp_wire::caller()).await.unwrap();
    assert!(list.iter().any(|resource| resource.uri == ORDERS), "{list:?}");
    for sql in hidden_changes() {
        let before = gate.catalog().unwrap();
        admin.batch_execute(&sql).await.unwrap();
        until("the server has noticed it", async || {
            (!std::sync::Arc::ptr_eq(&gate.catalog().unwrap(), &before)).then_some(())
        })
        .await;
        for peer in &mut peers {
            let heard =
                peer.next(Duration::from_millis(if peer.way == Way::StdioSession { 400 } else { 50 })).await;
            assert!(heard.is_none(), "{:?}, {sql}: {}", peer.way, heard.unwrap());
        }
    }
    // They would have heard.
    admin.batch_execute("COMMENT ON COLUMN shop.orders.id IS 'a number'").await.unwrap();
    for peer in &mut peers {
        let heard = peer.next(peer::SOON).await.expect("told of what is visible");
        assert_eq!(heard["params"]["uri"], ORDERS, "{heard}");
        assert!(!heard.to_string().contains(MARK), "{heard}");
        peer.is_left_alone("of the hidden").await;
    }
}

#[tokio::test]
async fn changes_of_what_is_hidden_are_told_to_nobody() {
    nothing_is_told(Source::Poll).await;
}

#[tokio::test]
async fn nor_are_they_where_the_database_tells_of_them() {
    nothing_is_told(Source::Trigger).await;
}

#[tokio::test]
async fn a_hidden_resource_is_subscribed_to_as_a_missing_one_is() {
    let database = Database::create(Template::Shop).await;
    let gateway = served(&database, Source::Poll).await;
    for way in [Way::StdioSession, Way::HttpSession] {
        let mut peer = Peer::silent(way, &gateway).await;
        for uri in ["postgres://shop/staff/payroll", "postgres://shop/staff/no_such"] {
            let answer = peer.ask("resources/subscribe", json!({"uri": uri})).await;
            assert_eq!(answer["result"], json!({}), "{uri}: {answer}");
        }
        let long = format!("postgres://shop/staff/{}", "x".repeat(1_000));
        for uri in
            [&long, "postgres://other/staff/payroll", "https://example.org", "postgres://shop/a/b/c", ""]
        {
            let answer = peer.ask("resources/subscribe", json!({"uri": uri})).await;
            assert_eq!(answer["error"]["code"], -32002, "{uri}: {answer}");
        }
    }
    let mut peer = Peer::silent(Way::HttpListen, &gateway).await;
    let hidden = ["postgres://shop/staff/no_such", "postgres://shop/staff/payroll"];
    let all = [hidden[0], hidden[1], "postgres://other/x", "x"];
    let accepted = peer.listen(json!({"resourceSubscriptions": all, "promptsListChanged": true})).await;
    assert_eq!(accepted, json!({"resourceSubscriptions": hidden}));
}
