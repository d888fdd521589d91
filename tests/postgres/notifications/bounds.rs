//! An end to what is told, and a measure.

use pgwarden::mcp::{Authentication, SessionMode, Settings};
use serde_json::{Value, json};

use super::*;
use crate::mcp_wire::{HttpPeer, StdioPeer, caller, initialize, request, stateless};

#[tokio::test]
async fn an_unsubscribe_and_a_cancellation_stop_it() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gateway = served(&database, Source::Poll).await;
    for way in Way::ALL {
        let mut peer = Peer::start(way, &gateway, &[ORDERS]).await;
        let add = format!("ALTER TABLE shop.orders ADD COLUMN of_{way:?} text");
        admin.batch_execute(&add).await.unwrap();
        peer.hears(&add, &[ORDERS]).await;
        match way {
            Way::StdioSession | Way::HttpSession => {
                let answer = peer.ask("resources/unsubscribe", json!({"uri": ORDERS})).await;
                assert_eq!(answer["result"], json!({}), "{answer}");
                let answer = peer.ask("resources/unsubscribe", json!({"uri": "postgres://shop/x"})).await;
                assert_eq!(answer["result"], json!({}), "never subscribed to: {answer}");
            }
            Way::StdioListen | Way::HttpListen => peer.cancel(),
        }
        admin.batch_execute(&format!("ALTER TABLE shop.orders DROP COLUMN of_{way:?}")).await.unwrap();
        peer.is_left_alone("unsubscribed").await;
    }
}

#[tokio::test]
async fn a_session_without_a_stream_is_told_once_it_has_one() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gateway = served(&database, Source::Poll).await;
    let mut peer = Peer::silent(Way::HttpSession, &gateway).await;
    peer.ask("resources/subscribe", json!({"uri": ORDERS})).await;
    for column in 0..5 {
        let before = peer.ask("resources/read", json!({"uri": ORDERS})).await["result"].clone();
        let sql = format!(
            "ALTER TABLE shop.orders ADD COLUMN late_{column} text; COMMENT ON TABLE shop.orders IS '{column}'"
        );
        admin.batch_execute(&sql).await.unwrap();
        let session = &mut peer;
        loop {
            let page = session.ask("resources/read", json!({"uri": ORDERS})).await["result"].clone();
            if page != before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    peer.open_stream();
    peer.hears("five changes are one", &["resources", ORDERS]).await;
    peer.is_left_alone("told already").await;
}

#[tokio::test]
async fn subscriptions_are_bounded() {
    let database = Database::create(Template::Shop).await;
    let gateway = served(&database, Source::Poll).await;
    let mut peer = Peer::silent(Way::StdioSession, &gateway).await;
    let uri = |number: usize| format!("postgres://shop/shop/t{number}");
    for number in 0..100 {
        let answer = peer.ask("resources/subscribe", json!({"uri": uri(number)})).await;
        assert_eq!(answer["result"], json!({}), "{answer}");
    }
    let again = peer.ask("resources/subscribe", json!({"uri": uri(7)})).await;
    assert_eq!(again["result"], json!({}), "{again}");
    let refused = peer.ask("resources/subscribe", json!({"uri": uri(100)})).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    peer.ask("resources/unsubscribe", json!({"uri": uri(7)})).await;
    let answer = peer.ask("resources/subscribe", json!({"uri": uri(100)})).await;
    assert_eq!(answer["result"], json!({}), "{answer}");

    let mut peer = StdioPeer::with(gateway, Settings::default());
    let uris: Vec<String> = (0..101).map(uri).collect();
    for filter in [
        json!({"notifications": {"resourceSubscriptions": uris}}),
        json!({"notifications": {"resourceSubscriptions": [5]}}),
        json!({"notifications": {"toolsListChanged": "yes"}}),
        json!({"notifications": 5}),
        json!({}),
    ] {
        let answer = peer.ask(&stateless(1, "subscriptions/listen", filter.clone())).await;
        assert_eq!(answer["error"]["code"], -32602, "{filter}: {answer}");
    }
    let listen =
        |id: i64| stateless(id, "subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}));
    // One session of the same subject watches already.
    for id in 0..99 {
        peer.say(&listen(id));
    }
    let mut refusals = Vec::new();
    for id in 99..110 {
        peer.say(&listen(id));
    }
    for _ in 0..110 {
        let heard = peer.hear().await;
        if heard.get("error").is_some() {
            refusals.push(heard);
        }
    }
    assert_eq!(refusals.len(), 11, "{refusals:?}");
    assert_eq!(refusals[0]["error"]["data"]["rule"], "limits.watches", "{}", refusals[0]);
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_nothing_but_one_message() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gateway = served(&database, Source::Poll).await;
    // Nobody reads what this one is told, and it is more than the pipe holds.
    let many: Vec<String> = (0..100).map(|n| format!("postgres://shop/shop/{n}{}", "x".repeat(40))).collect();
    let tables: Vec<String> = many.iter().map(|uri| uri.rsplit('/').next().unwrap().to_owned()).collect();
    let mut peer = Peer::silent(Way::HttpSession, &gateway).await;
    for uri in &many {
        peer.ask("resources/subscribe", json!({"uri": uri})).await;
    }
    for _ in 0..3 {
        let sql: String = tables
            .iter()
            .map(|name| {
                format!(
                    "CREATE TABLE shop.\"{name}\" (id integer); GRANT SELECT ON shop.\"{name}\" TO {READER};"
                )
            })
            .collect();
        admin.batch_execute(&sql).await.unwrap();
        until("the list has it", async || {
            let list = gateway.list_resources(&caller()).await.unwrap();
            list.iter().any(|resource| resource.uri == many[99]).then_some(())
        })
        .await;
        let sql: String = tables.iter().map(|name| format!("DROP TABLE shop.\"{name}\";")).collect();
        admin.batch_execute(&sql).await.unwrap();
        until("the list lacks it", async || {
            let list = gateway.list_resources(&caller()).await.unwrap();
            (!list.iter().any(|resource| resource.uri == many[99])).then_some(())
        })
        .await;
    }
    // It is as it was when the session began: there is nothing to tell.
    peer.open_stream();
    peer.is_left_alone("all is as before").await;
    let answer = peer.ask("ping", json!({})).await;
    assert_eq!(answer["result"], json!({}), "{answer}");
}

#[tokio::test]
async fn where_nothing_can_be_told_nothing_is_announced() {
    let database = Database::create(Template::Shop).await;
    let gateway = served(&database, Source::Poll).await;
    let mut settings = Settings::default();
    settings.http.sessions.mode = SessionMode::Stateless;
    let peer = HttpPeer::with(gateway, Authentication::Open(caller()), settings).await;
    let answer = peer.post(&[], initialize("2025-11-25")).await.json();
    assert_eq!(peer::announced(&answer), json!([Value::Null, Value::Null, Value::Null]), "{answer}");
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let refused = peer.post(&[], request(1, method, json!({"uri": ORDERS}))).await;
        assert_eq!(refused.code(), -32601, "{}", refused.text);
    }
    // 2026-07-28 needs no session for it.
    let discovered = peer.ask("server/discover", json!({})).await.json();
    assert_eq!(peer::announced(&discovered), peer::told_all(), "{discovered}");
}
