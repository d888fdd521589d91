//! On stdio: the page on loopback, whose code the client shows to the person alone.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::approvals::Codes;
use pgwarden::auth::{Caller, Credentials};
use pgwarden::gateway::Gateway;
use pgwarden::mcp::{ApprovalPage, Settings};
use pgwarden::store::MasterKey;
use pgwarden::web::{LoopbackParts, Pages};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::browser::Browser;
use super::stage::{WHO, credentials, is_lacking, rows, text};
use crate::mcp_wire::{StdioPeer, caller, initialize, request};
use crate::postgres::identities::own::{CANARY, asking};
use crate::postgres::identities::{Office, gateway};
use crate::support::{Database, Template};

fn settings(gateway: &Gateway, credentials: &Arc<Credentials>, stop: &CancellationToken) -> Settings {
    let codes = Arc::new(Codes::new(Duration::from_secs(300)));
    let parts = LoopbackParts {
        gateway: gateway.clone().into(),
        caller: caller(),
        codes: codes.clone(),
        credentials: Some(credentials.clone()),
        key: MasterKey::new([5; 32]),
    };
    let pages = move |address| Pages::loopback(address, parts.clone());
    Settings {
        approvals: ApprovalPage::loopback(pages, codes, stop.clone()),
        credentials: Some(credentials.clone()),
        ..Settings::default()
    }
}

async fn peer(gateway: &Gateway, settings: Settings, capabilities: Value) -> StdioPeer {
    let mut peer = StdioPeer::with(gateway.clone(), settings);
    let mut hello = initialize("2025-11-25");
    hello["params"]["capabilities"] = capabilities;
    peer.ask(&hello).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    peer
}

fn asks(id: u8) -> Value {
    request(id, "tools/call", json!({"name": "query", "arguments": {"sql": WHO}}))
}

async fn hear(peer: &mut StdioPeer, is: impl Fn(&Value) -> bool) -> Value {
    loop {
        let heard = peer.hear().await;
        if is(&heard) {
            return heard;
        }
    }
}

#[tokio::test]
async fn whoever_has_the_code_gives_the_login_for_this_process() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let ada = office.person("ada", &office.analyst).await;
    let gateway = gateway(office.own(5, Duration::from_secs(300)));
    let given = credentials(&office, vec![caller().issuer]);
    let stop = CancellationToken::new();
    let settings = settings(&gateway, &given, &stop);
    let mut peer = peer(&gateway, settings.clone(), json!({"elicitation": {"url": {}}})).await;
    peer.say(&asks(1));
    let asked = hear(&mut peer, |message| message["method"] == "elicitation/create").await;
    let url = url::Url::parse(asked["params"]["url"].as_str().unwrap()).unwrap();
    let (origin, path) = (url.origin().ascii_serialization(), url.path());
    let message = asked["params"]["message"].as_str().unwrap();
    let code = message.rsplit(' ').next().unwrap();
    let mut browser = Browser::new(&origin);
    let form = browser.open(path).await.form(path).with("role", &ada);
    // Without the code not even the right login is tried, and no other browser's form counts.
    let page = browser.submit(&form.clone().with("code", "wrong").with("password", CANARY)).await;
    assert_eq!(page.status, 401);
    assert!(page.text.contains("This is not the code") && page.text.contains("(4 left)"), "{}", page.text);
    let mut stranger = Browser::new(&origin);
    assert_eq!(stranger.submit(&form.clone().with("code", code).with("password", CANARY)).await.status, 403);
    let page =
        browser.submit(&form.clone().with("passed", "x").with("code", "x").with("password", CANARY)).await;
    assert_eq!(page.status, 401);
    // The code is good once: after a wrong password the same browser goes on without it.
    let page = browser.submit(&form.clone().with("code", code).with("password", "wrong")).await;
    assert_eq!(page.status, 401);
    let again = page.form(path);
    let mut stranger = Browser::new(&origin);
    stranger.open(path).await;
    assert_eq!(stranger.submit(&again.clone().with("password", CANARY)).await.status, 403);
    assert_eq!(browser.submit(&again.with("password", CANARY)).await.location(), path);
    let told = hear(&mut peer, |message| message["method"] == "notifications/elicitation/complete").await;
    assert_eq!(told["params"]["elicitationId"], asked["params"]["elicitationId"]);
    let done = hear(&mut peer, |message| message["id"] == 1).await;
    assert_eq!(rows(&done), &json!([[ada, ada, "a"]]));
    assert!(!done.to_string().contains(code) && !done.to_string().contains(CANARY));
    let other = credentials(&office, vec![caller().issuer]);
    assert!(other.open(&caller(), other.here()).is_empty(), "another process");
    stop.cancel();
}

#[tokio::test]
async fn who_cannot_be_sent_anywhere_is_told_so() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let gateway = gateway(office.own(5, Duration::from_secs(300)));
    let given = credentials(&office, vec![caller().issuer]);
    let stop = CancellationToken::new();
    let settings = settings(&gateway, &given, &stop);
    let mut blind = peer(&gateway, settings, json!({})).await;
    let answer = blind.ask(&asks(1)).await;
    assert!(is_lacking(&answer) && !text(&answer).contains("http"), "{answer}");
    // A static token is nobody's browser.
    let of_token = Caller { issuer: String::new(), ..Caller::local("robot") };
    let strict = credentials(&office, vec!["https://id.example".to_owned()]);
    let asked = strict.ask(&of_token, strict.here(), &CancellationToken::new(), "office").unwrap();
    assert!(asked.is_none());
    assert!(strict.ask(&of_token, strict.here(), &CancellationToken::new(), "other").unwrap().is_none());
}
