//! The page on loopback that nobody logs in to: without the code nothing is decided.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::approvals::{ApprovalId, ApprovalRule, Codes};
use pgwarden::auth::{Authenticator, Caller};
use pgwarden::mcp::{Authentication, Settings, serve_http};
use pgwarden::store::MasterKey;
use pgwarden::web::{LoopbackParts, Pages};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::browser::Browser;
use super::house::approval;
use crate::pure::mcp_wire::gateway;
use pgwarden::approvals::{ApprovalSettings, ApprovalStore as _, MemoryApprovals};

struct Room {
    browser: Browser,
    approvals: Arc<MemoryApprovals>,
    codes: Arc<Codes>,
    id: ApprovalId,
    _stop: DropGuard,
}

async fn room() -> Room {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let approvals = Arc::new(MemoryApprovals::new(ApprovalSettings::default()));
    let gateway = gateway().with_approvals(approvals.clone());
    let codes = Arc::new(Codes::new(Duration::from_secs(300)));
    let caller = Caller::local("local");
    let id = approval(&approvals, &caller, ApprovalRule::Requester, "DELETE FROM shop.orders").await;
    let parts = LoopbackParts {
        gateway: gateway.clone().into(),
        caller,
        codes: codes.clone(),
        credentials: None,
        key: MasterKey::new([5; 32]),
    };
    let pages = Pages::loopback(address, parts);
    let stop = CancellationToken::new();
    let shutdown = stop.clone();
    tokio::spawn(async move {
        let nobody = Authentication::Bearer(Authenticator::default());
        serve_http(gateway, listener, nobody, pages, &Settings::default(), shutdown).await
    });
    let browser = Browser::new(&format!("http://{address}"));
    Room { browser, approvals, codes, id, _stop: stop.drop_guard() }
}

impl Room {
    fn path(&self) -> String {
        format!("/approvals/{}", self.id)
    }

    async fn state(&self) -> &'static str {
        self.approvals.find(self.id).await.unwrap().unwrap().state.word()
    }
}

#[tokio::test]
async fn the_right_code_decides() {
    let mut room = room().await;
    let code = room.codes.give(room.id).unwrap().unwrap();
    let path = room.path();
    let page = room.browser.open(&path).await;
    assert!(page.text.contains("DELETE FROM shop.orders") && !page.text.contains(code.as_str()));
    let approve = page.form(&format!("{path}/approve"));
    assert_eq!(room.browser.submit(&approve.with("code", &code)).await.location(), path);
    assert_eq!(room.state().await, "approved");
    assert!(room.browser.open(&path).await.forms().is_empty());
}

#[tokio::test]
async fn the_right_code_for_what_was_not_shown_decides_nothing() {
    let mut room = room().await;
    let code = room.codes.give(room.id).unwrap().unwrap();
    let path = room.path();
    let form = room.browser.open(&path).await.form(&format!("{path}/approve"));
    let said = room.browser.submit(&form.with("code", &code).with("shown", "x")).await;
    assert!(said.status == 409 && said.text.contains("what was shown"), "{}", said.text);
    assert_eq!(room.state().await, "pending");
}

#[tokio::test]
async fn without_it_nothing_is_decided() {
    let mut room = room().await;
    let path = room.path();
    let form = room.browser.open(&path).await.form(&format!("{path}/approve"));
    let page = room.browser.submit(&form.clone().with("code", "123456")).await;
    assert!(page.text.contains("No code is good"), "none was given out: {}", page.text);
    let code = room.codes.give(room.id).unwrap().unwrap();
    let mut stranger = Browser::new(&room.browser.origin);
    assert_eq!(
        stranger.submit(&form.clone().with("code", &code)).await.status,
        403,
        "another browser's form"
    );
    let other = form.clone().with("token", "x").with("code", &code);
    assert_eq!(room.browser.submit(&other).await.status, 403);
    room.browser.headers = vec![("origin", "http://evil.example".to_owned())];
    assert_eq!(room.browser.submit(&form.clone().with("code", &code)).await.status, 403);
    let page = room.browser.open(&path).await;
    assert_eq!(page.form(&format!("{path}/refuse")).field("shown"), form.field("shown"));
    for tries in (1..5).rev() {
        let page = room.browser.submit(&form.clone().with("code", "wrong")).await;
        assert!(page.text.contains(&format!("({tries} left)")), "{}", page.text);
    }
    room.browser.submit(&form.clone().with("code", "wrong")).await;
    let page = room.browser.submit(&form.with("code", &code)).await;
    assert!(page.text.contains("No code is good"), "five wrong ones were the end");
    assert_eq!(room.state().await, "pending");
}

#[tokio::test]
async fn other_hosts_and_other_pages_are_not_there() {
    let mut room = room().await;
    for path in ["/approvals", "/login", "/account", "/token", "/approvals/00000000000000000000000000000000"]
    {
        assert_eq!(room.browser.open(path).await.status, 404, "{path}");
    }
    room.browser.headers = vec![("host", "evil.example".to_owned())];
    let path = room.path();
    assert_eq!(room.browser.open(&path).await.status, 403);
}
