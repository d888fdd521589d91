//! Who may go on with an investigation of 2026-07-28: who began it, with the same question, once, where it began.

use std::sync::Arc;

use pgwarden::auth::{Authenticator, NewToken, TokenFile, TokenStore};
use pgwarden::gateway::Gateway;
use pgwarden::mcp::{Authentication, InvestigateBounds};
use serde_json::{Value, json};

use super::{asks, gateway, ground, http, modern, post, queries, resumes, says, settings};
use crate::mcp_wire::{HttpPeer, STATELESS};

const QUESTION: &str = "What sells best?";

fn assert_unknown(answer: &Value) {
    assert_eq!(answer["isError"], true, "{answer}");
    let words = answer["content"][0]["text"].as_str().unwrap();
    assert!(words.contains("investigate.state") && words.contains("call again without"), "{words}");
}

#[tokio::test]
async fn a_state_is_used_once_with_its_question() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let peer = http(&gateway, InvestigateBounds::default()).await;
    let first = post(&peer, &modern(asks(QUESTION), &json!({}))).await;
    let state = &first["requestState"];
    let go_on = resumes(state, &queries("a", "SELECT 1"));
    assert_unknown(&post(&peer, &modern(asks("Another?"), &go_on)).await);
    let forged = [json!("0".repeat(32)), json!("no name"), json!("")];
    for forged in forged {
        assert_unknown(&post(&peer, &modern(asks(QUESTION), &resumes(&forged, &says("x")))).await);
    }
    let missing = post(&peer, &modern(asks(QUESTION), &json!({"requestState": state}))).await;
    assert!(missing["content"][0]["text"].as_str().unwrap().contains("inputResponses"), "{missing}");
    let second = post(&peer, &modern(asks(QUESTION), &go_on)).await;
    assert_eq!(second["resultType"], "input_required", "nothing was lost by the others: {second}");
    assert_ne!(&second["requestState"], state);
    assert_unknown(&post(&peer, &modern(asks(QUESTION), &go_on)).await);
    let done = resumes(&second["requestState"], &says("one"));
    let found = post(&peer, &modern(asks(QUESTION), &done)).await;
    assert_eq!(found["structuredContent"]["findings"], "one", "{found}");
    assert_unknown(&post(&peer, &modern(asks(QUESTION), &done)).await);
}

/// Two replicas that know Anna and Ben by their tokens.
struct People {
    replicas: [HttpPeer; 2],
    bearers: [String; 2],
    _folder: tempfile::TempDir,
}

impl People {
    async fn new(gateway: &Gateway) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let mut file = TokenFile::open(&path).unwrap();
        let bearers = ["anna", "ben"].map(|name| {
            let token = NewToken { name: name.to_owned(), subject: name.to_owned(), ..NewToken::default() };
            format!("Bearer {}", file.create(token).unwrap().reveal())
        });
        let replica = async || {
            let tokens = Arc::new(TokenStore::load(&path).unwrap());
            let authentication = Authentication::Bearer(Authenticator::new(vec![tokens]));
            HttpPeer::with(gateway.clone(), authentication, settings(InvestigateBounds::default())).await
        };
        Self { replicas: [replica().await, replica().await], bearers, _folder: folder }
    }

    async fn post(&self, replica: usize, who: usize, body: &Value) -> Value {
        let headers = [
            ("authorization", self.bearers[who].as_str()),
            ("mcp-protocol-version", STATELESS),
            ("mcp-method", "tools/call"),
            ("mcp-name", "investigate"),
        ];
        self.replicas[replica].post(&headers, body).await.json()["result"].clone()
    }
}

#[tokio::test]
async fn nobody_goes_on_with_what_another_began_and_no_other_server_does() {
    const ANNA: usize = 0;
    const BEN: usize = 1;
    let database = ground().await;
    let people = People::new(&gateway(&database).await).await;
    let begun = people.post(0, ANNA, &modern(asks(QUESTION), &json!({}))).await;
    let go_on = modern(asks(QUESTION), &resumes(&begun["requestState"], &says("mine")));
    assert_unknown(&people.post(0, BEN, &go_on).await);
    assert_unknown(&people.post(1, ANNA, &go_on).await);
    let found = people.post(0, ANNA, &go_on).await;
    assert_eq!(found["structuredContent"]["findings"], "mine", "{found}");
}
