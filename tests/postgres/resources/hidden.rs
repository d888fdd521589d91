//! A word in every hidden name, and everything that prompts, completion and resources say.

use super::*;

const MARKER: &str = "zmarker";

#[tokio::test]
async fn no_list_no_page_no_completion_and_no_prompt_has_a_hidden_name() {
    let database = database().await;
    let mut peer = peer(gateway(&database, policy(), 40_000)).await;
    let listed = peer.ask(&request(1, "resources/list", json!({}))).await;
    assert!(!listed.to_string().contains(MARKER), "{listed}");
    let resources = listed["result"]["resources"].as_array().unwrap();
    assert!(resources.len() > 10);
    let mut uris: Vec<String> =
        resources.iter().map(|resource| resource["uri"].as_str().unwrap().to_owned()).collect();
    uris.extend(["add_tax", "lines", "note_of"].map(|name| format!("pgwarden://test/routines/shop/{name}")));
    for uri in uris {
        for uri in [uri.clone(), format!("{uri}?format=json")] {
            let contents = read(&mut peer, &uri).await;
            assert!(!contents.to_string().contains(MARKER), "{contents}");
        }
    }
    for method in ["prompts/list", "resources/templates/list", "tools/list"] {
        let answer = peer.ask(&request(2, method, json!({}))).await;
        assert!(!answer.to_string().contains(MARKER), "{answer}");
    }
}

#[tokio::test]
async fn hidden_and_missing_resources_answer_alike() {
    let database = database().await;
    let mut peer = peer(gateway(&database, policy(), 40_000)).await;
    for (hidden, missing) in [
        ("postgres://test/shop/zmarker_notes", "postgres://test/shop/zmissing_notes"),
        ("postgres://test/zmarker_hr", "postgres://test/zmissing_hr"),
        ("pgwarden://test/routines/shop/zmarker_fn", "pgwarden://test/routines/shop/zmissing_fn"),
    ] {
        for form in ["", "?format=json"] {
            let mut ask = async |uri: &str| {
                let uri = format!("{uri}{form}");
                peer.ask(&request(3, "resources/read", json!({"uri": uri}))).await.to_string()
            };
            let (hidden, missing) = (ask(hidden).await, ask(missing).await);
            assert_eq!(hidden.replace(MARKER, "zmissing"), missing);
        }
    }
}

#[tokio::test]
async fn a_hidden_name_is_completed_from_no_beginning() {
    let database = database().await;
    let mut peer = peer(gateway(&database, policy(), 40_000)).await;
    let relation = json!({"type": "ref/resource", "uri": "postgres://{database}/{schema}/{relation}"});
    let routine = json!({"type": "ref/resource", "uri": "pgwarden://{database}/routines/{schema}/{routine}"});
    let report = json!({"type": "ref/prompt", "name": "write_report"});
    for typed in ["", "z", "zmarker", "zmarker_n", "shop.zm", "zmaker"] {
        for (reference, argument, context) in [
            (&relation, "schema", json!({})),
            (&relation, "relation", json!({})),
            (&relation, "relation", json!({"schema": "zmarker_hr"})),
            (&routine, "schema", json!({})),
            (&routine, "routine", json!({"schema": "shop"})),
            (&report, "relation", json!({})),
            (&report, "column", json!({"relation": "shop.customers"})),
            (&report, "column", json!({"relation": "shop.zmarker_notes"})),
        ] {
            let params = json!({
                "ref": reference, "argument": {"name": argument, "value": typed}, "context": {"arguments": context},
            });
            let answer = peer.ask(&request(4, "completion/complete", params)).await;
            let values = answer["result"]["completion"]["values"].to_string();
            assert!(answer["result"].is_object() && !values.contains(MARKER), "{argument} {typed}: {answer}");
            if context == json!({"relation": "shop.zmarker_notes"}) {
                assert_eq!(values, "[]");
            }
        }
    }
}
