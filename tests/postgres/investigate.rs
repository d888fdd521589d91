//! The tool `investigate` with scripted models, in both eras, against a real database.

mod answering;
mod bounds;
mod forbidden;
mod listed;
mod state;

use std::time::Duration;

use pgwarden::gateway::{CallLimits, Gateway, Served};
use pgwarden::mcp::{Authentication, InvestigateBounds, Settings};
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};

use crate::mcp_wire::{HttpPeer, STATELESS, StdioPeer, caller, initialize, request, stateless};
use crate::support::{Database, Template, gate};

const LEGACY: &str = "2025-11-25";

/// Sales of which only some rows and columns may be seen, and what may not be seen at all. `zzmarker` is in every name and
/// value that is hidden.
const GROUND: &str = "
    CREATE SCHEMA inv;
    CREATE TABLE inv.sales (id integer PRIMARY KEY, region text, amount numeric, zzmarker_cost numeric, zzmarker_team text);
    INSERT INTO inv.sales SELECT n, CASE WHEN n % 2 = 0 THEN 'north' ELSE 'south' END, n, n * 3, 'zzmarker ours'
        FROM generate_series(1, 40) AS n;
    INSERT INTO inv.sales VALUES (41, 'zzmarker region', 1000, 1, 'zzmarker theirs');
    COMMENT ON TABLE inv.sales IS 'What was sold.';
    CREATE TABLE inv.zzmarker_dossiers (id integer PRIMARY KEY, note text);
    INSERT INTO inv.zzmarker_dossiers VALUES (1, 'zzmarker note');
";
const POLICY: &str = "
version = 1
include = []
[[allow]]
select = [\"inv.sales\"]
[[deny]]
select = [\"inv.sales.zzmarker_cost\", \"inv.sales.zzmarker_team\"]
[[filter]]
relations = [\"inv.sales\"]
where = \"zzmarker_team = 'zzmarker ours'\"
";

async fn ground() -> Database<'static> {
    let database = Database::create(Template::Empty).await;
    database.admin().await.batch_execute(GROUND).await.unwrap();
    database
}

async fn gateway(database: &Database<'_>) -> Gateway {
    let login = database.create_role("investigator", "LOGIN").await;
    let grants =
        format!("GRANT USAGE ON SCHEMA inv TO {login}; GRANT SELECT ON ALL TABLES IN SCHEMA inv TO {login}");
    database.admin().await.batch_execute(&grants).await.unwrap();
    let limits = CallLimits {
        rows: 1_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(60),
    };
    let policy = Policy::parse(POLICY, "policy.toml").unwrap();
    let gateway =
        Gateway::new(vec![Served::new(gate(&database.url(&login)), policy)], limits, Telemetry::default());
    gateway.ready().await.unwrap();
    gateway
}

fn settings(bounds: InvestigateBounds) -> Settings {
    Settings { investigate: bounds, ..Settings::default() }
}

fn asks(question: &str) -> Value {
    json!({"name": "investigate", "arguments": {"question": question}})
}

fn capabilities() -> Value {
    json!({"sampling": {"tools": {}}})
}

fn says(text: &str) -> Value {
    json!({"role": "assistant", "model": "scripted", "stopReason": "endTurn", "content": {"type": "text", "text": text}})
}

fn uses(calls: &[(&str, &str, Value)]) -> Value {
    let blocks = calls
        .iter()
        .map(|(id, name, input)| json!({"type": "tool_use", "id": id, "name": name, "input": input}));
    json!({
        "role": "assistant", "model": "scripted", "stopReason": "toolUse", "content": blocks.collect::<Vec<_>>(),
    })
}

fn queries(id: &str, sql: &str) -> Value {
    uses(&[(id, "query", json!({"sql": sql}))])
}

/// The `tool_result` blocks of the last message.
fn results(params: &Value) -> Vec<&Value> {
    let last = params["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["role"], "user", "{last}");
    last["content"].as_array().unwrap_or_else(|| panic!("{last}")).iter().collect()
}

fn text_of(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}"))
}

/// Every call of the model is answered in the next message, under its id and no other.
fn assert_answered(params: &Value) {
    let messages = params["messages"].as_array().unwrap();
    let blocks = |message: &Value, kind: &str, id: &str| -> Vec<String> {
        let blocks = message["content"].as_array().cloned().unwrap_or_default();
        let of = blocks.iter().filter(|block| block["type"] == kind);
        of.map(|block| block[id].as_str().unwrap().to_owned()).collect()
    };
    for pair in messages.windows(2) {
        let used = blocks(&pair[0], "tool_use", "id");
        assert_eq!(used, blocks(&pair[1], "tool_result", "toolUseId"), "{params}");
        let mut once = used.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), used.len(), "{used:?}");
    }
}

/// What an investigation came to, and all that the model was asked.
struct Outcome {
    result: Value,
    asked: Vec<Value>,
    progress: Vec<Value>,
}

impl Outcome {
    fn found(&self) -> &Value {
        let found = &self.result["structuredContent"];
        assert!(found.is_object(), "{}", self.result);
        found
    }
}

/// Past `initialize`, with sampling.
async fn stdio(gateway: &Gateway, bounds: InvestigateBounds) -> StdioPeer {
    let mut peer = StdioPeer::with(gateway.clone(), settings(bounds));
    let mut hello = initialize(LEGACY);
    hello["params"]["capabilities"] = capabilities();
    peer.ask(&hello).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    peer
}

/// In 2025-11-25, over stdio.
async fn pushed(
    gateway: &Gateway,
    bounds: InvestigateBounds,
    mut model: impl FnMut(usize, &Value) -> Value,
) -> Outcome {
    let mut peer = stdio(gateway, bounds).await;
    let mut call = request(1, "tools/call", asks("What sells best?"));
    call["params"]["_meta"] = json!({"progressToken": "p"});
    peer.say(&call);
    let (mut asked, mut progress) = (Vec::new(), Vec::new());
    loop {
        let heard = peer.hear().await;
        if heard["id"] == 1 && heard.get("method").is_none() {
            return Outcome { result: heard["result"].clone(), asked, progress };
        }
        match heard["method"].as_str() {
            Some("sampling/createMessage") => {
                let answer = model(asked.len(), &heard["params"]);
                asked.push(heard["params"].clone());
                peer.say(&json!({"jsonrpc": "2.0", "id": heard["id"], "result": answer}));
            }
            Some("notifications/progress") => progress.push(heard["params"].clone()),
            _ => {}
        }
    }
}

fn modern(params: Value, more: &Value) -> Value {
    let mut message = stateless(7, "tools/call", params);
    for (key, value) in more.as_object().unwrap() {
        message["params"][key] = value.clone();
    }
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities();
    message
}

async fn post(peer: &HttpPeer, body: &Value) -> Value {
    let headers =
        [("mcp-protocol-version", STATELESS), ("mcp-method", "tools/call"), ("mcp-name", "investigate")];
    peer.post(&headers, body).await.json()["result"].clone()
}

fn resumes(state: &Value, response: &Value) -> Value {
    json!({"requestState": state, "inputResponses": {"sampling": response}})
}

async fn http(gateway: &Gateway, bounds: InvestigateBounds) -> HttpPeer {
    HttpPeer::with(gateway.clone(), Authentication::Open(caller()), settings(bounds)).await
}

/// In 2026-07-28, over HTTP.
async fn retried(
    gateway: &Gateway,
    bounds: InvestigateBounds,
    mut model: impl FnMut(usize, &Value) -> Value,
) -> Outcome {
    let peer = http(gateway, bounds).await;
    let (mut asked, mut more) = (Vec::new(), json!({}));
    loop {
        let result = post(&peer, &modern(asks("What sells best?"), &more)).await;
        if result["resultType"] != "input_required" {
            return Outcome { result, asked, progress: Vec::new() };
        }
        let wanted = &result["inputRequests"]["sampling"];
        assert_eq!(wanted["method"], "sampling/createMessage", "{result}");
        let answer = model(asked.len(), &wanted["params"]);
        asked.push(wanted["params"].clone());
        more = resumes(&result["requestState"], &answer);
    }
}
