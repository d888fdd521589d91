//! A policy that changes, changes what there is to be told of.

use pgwarden::gateway::PolicySource;
use serde_json::json;

use super::*;

fn policy(select: &str, tools: &str) -> String {
    format!("version = 1\ninclude = []\n{tools}[[allow]]\nselect = [\"{select}\"]\n")
}

#[tokio::test]
async fn a_reload_tells_of_tools_and_resources_that_are_others_now() {
    let database = Database::create(Template::Shop).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let put = |text: String| std::fs::write(&file, text).unwrap();
    put(policy("shop.*", ""));
    let source = PolicySource::load(&file, |_| None).unwrap();
    let gateway = gateway(&database, Policies::new(Vec::new(), Some(source)));
    gateway.ready().await.unwrap();
    let mut peers = Vec::new();
    for way in Way::ALL {
        peers.push(Peer::start(way, &gateway, &[ORDERS]).await);
    }
    for (text, expected) in [
        (policy("shop.p*", ""), &["resources", ORDERS][..]),
        (policy("shop.*", ""), &["resources", ORDERS]),
        (policy("shop.*", "tools = [\"schema\"]\n"), &["tools"]),
        (policy("shop.*", "tools = [\"query\"]\n"), &["tools", "resources", ORDERS]),
        (policy("shop.*", ""), &["tools", "resources", ORDERS]),
    ] {
        put(text.clone());
        gateway.reload(true).await;
        for peer in &mut peers {
            peer.hears(&text, expected).await;
        }
    }
    // The same rules in other words change nothing for a client.
    put(format!("# a comment\n{}", policy("shop.*", "")));
    gateway.reload(true).await;
    gateway.tools_changed();
    for peer in &mut peers {
        peer.is_left_alone("nothing is different").await;
    }
    let tools = peers[0].ask("tools/list", json!({})).await;
    assert_eq!(crate::mcp_wire::tool_names(&tools), crate::postgres::tasks::reading_tools());
}
