//! Saved queries as resources, and their names as they are typed.

use super::*;
use crate::support::Template;

const POLICY: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.orders\"]\n";

fn both() -> String {
    let seen = query(
        "orders_of_day",
        "SELECT id FROM shop.orders WHERE id = $1",
        &["{ name = \"id\", type = \"bigint\" }"],
    );
    // Its statement is refused to everybody here, and its words have the marker.
    seen + &query("orders_kiwi", "SELECT salary FROM staff.payroll", &[])
}

async fn ask(peer: &mut StdioPeer, method: &str, params: Value) -> Value {
    peer.ask(&request(7, method, params)).await
}

#[tokio::test]
async fn those_that_the_caller_may_run_have_a_page_and_the_others_do_not_exist() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, POLICY, &both()).await;
    let listed = ask(&mut peer, "resources/list", json!({})).await.to_string();
    assert!(listed.contains("pgwarden://shop/queries/orders_of_day") && !listed.contains("kiwi"), "{listed}");
    let uri = "pgwarden://shop/queries/orders_of_day";
    let page = ask(&mut peer, "resources/read", json!({ "uri": uri })).await;
    let text = page["result"]["contents"][0]["text"].as_str().unwrap();
    assert!(text.contains("What the shop asks every day.") && text.contains("`id`"), "{text}");
    assert!(!text.contains("SELECT"), "its statement is the DBA's: {text}");
    let json_page = ask(&mut peer, "resources/read", json!({"uri": format!("{uri}?format=json")})).await;
    let document: Value =
        serde_json::from_str(json_page["result"]["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(document["queries"][0]["name"], "orders_of_day");
    assert_eq!(document["queries"][0]["parameters"][0]["name"], "id");
    for (hidden, missing) in [("orders_kiwi", "no_such")] {
        let [hidden, missing] = [hidden, missing].map(|name| format!("pgwarden://shop/queries/{name}"));
        let of_hidden = ask(&mut peer, "resources/read", json!({ "uri": hidden })).await;
        let of_missing = ask(&mut peer, "resources/read", json!({ "uri": missing })).await;
        let said = of_hidden.to_string().replace(&hidden, &missing);
        assert_eq!(said, of_missing.to_string());
    }
    let all = ask(&mut peer, "resources/read", json!({"uri": "pgwarden://shop/queries"})).await.to_string();
    assert!(all.contains("orders_of_day") && !all.contains("kiwi"), "{all}");
}

#[tokio::test]
async fn their_names_are_completed() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, POLICY, &both()).await;
    let template = json!({"type": "ref/resource", "uri": "pgwarden://{database}/queries/{query}"});
    let argument = json!({"name": "query", "value": "ord"});
    let completed =
        ask(&mut peer, "completion/complete", json!({"ref": template, "argument": argument})).await;
    assert_eq!(completed["result"]["completion"]["values"], json!(["orders_of_day"]), "{completed}");
}

#[tokio::test]
async fn without_the_group_there_is_no_page() {
    let database = Database::create(Template::Shop).await;
    let policy = POLICY.replace("include = []", "include = []\ntools = [\"schema\"]");
    let mut peer = peer(&database, &policy, &both()).await;
    let listed = ask(&mut peer, "resources/list", json!({})).await.to_string();
    assert!(listed.contains("postgres://shop") && !listed.contains("/queries"), "{listed}");
    let uri = "pgwarden://shop/queries/orders_of_day";
    let page = ask(&mut peer, "resources/read", json!({ "uri": uri })).await;
    assert!(page["error"].is_object(), "{page}");
}
