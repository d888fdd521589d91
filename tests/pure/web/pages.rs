//! Whatever is wrong with a request, its answer is a page of ours, with the headers of all.

use reqwest::{Client, Method};
use serde_json::Value;

use super::browser::Page;
use super::house::House;

fn is_ours(page: &Page, what: &str) {
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{what}: {}", page.text);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'self'"), "{what}: {policy}");
    assert_eq!(
        (page.header("x-frame-options"), page.header("cache-control")),
        ("DENY", "no-store"),
        "{what}"
    );
    assert!(page.text.contains("<main id=\"main\">"), "{what}: {}", page.text);
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_with_a_page() {
    let house = House::open().await;
    let mut ann = house.browser_of("ann").await;
    for (path, status) in [
        ("/approvals/%ff", 404),
        ("/login/external/%ff", 404),
        ("/login/external/none?next=a&next=b", 400),
        ("/login/callback?code=a&code=b", 400),
        ("/login/callback?%ff=%fe&state=%00", 400),
        ("/login?next=a&next=b", 400),
        ("/authorize?client_id=a&client_id=b", 400),
    ] {
        let page = ann.open(path).await;
        assert_eq!(page.status, status, "{path}: {}", page.text);
        is_ours(&page, path);
    }
    let form = ann.open("/account").await.form("/logout");
    for path in ["/approvals/%ff/approve", "/approvals/%ff/refuse", "/account/grants/%ff/revoke"] {
        let mut form = form.clone();
        path.clone_into(&mut form.action);
        let page = ann.submit(&form).await;
        assert_eq!(page.status, 404, "{path}");
        is_ours(&page, path);
    }
    let asset = ann.open("/assets/%ff").await;
    assert_eq!((asset.status, asset.text.as_str()), (404, ""));
}

#[tokio::test]
async fn a_method_that_a_page_has_not_is_answered_with_a_page() {
    let house = House::open().await;
    let mut ann = house.browser_of("ann").await;
    for (path, allowed) in [("/logout", "POST"), ("/consent", "POST"), ("/approvals/0/approve", "POST")] {
        let page = ann.open(path).await;
        assert_eq!((page.status, page.header("allow")), (405, allowed), "{path}");
        is_ours(&page, path);
    }
    ann.headers = vec![("origin", house.origin.clone())];
    let page = ann.send(Method::PUT, "/account", None).await;
    assert_eq!((page.status, page.header("allow")), (405, "GET,HEAD"));
    is_ours(&page, "/account");
}

#[tokio::test]
async fn no_link_of_ours_leads_where_anybody_may_register() {
    let house = House::with(|settings| settings.registration = true, Default::default()).await;
    let request = Client::new().post(format!("{}/register", house.origin));
    let body = r#"{"client_name": "New", "redirect_uris": ["https://evil.example/cb"]}"#;
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    let client: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let id = client["client_id"].as_str().unwrap();
    let asked = house.request(id, "https://evil.example/cb");
    let (mut anybody, mut ann) = (house.browser(), house.browser_of("ann").await);
    // What anybody sees, and what ann does, who may have no scope `approve`.
    for (scope, status) in [("everything", 400), ("approve", 403)] {
        let path = format!("/authorize?{}", asked.replace("scope=read", &format!("scope={scope}")));
        let page = ann.open(&path).await;
        assert_eq!((page.status, page.header("location")), (status, ""), "{scope}: {}", page.text);
        is_ours(&page, scope);
        assert_eq!(
            page.text.contains("href=\"https://evil.example/cb?error=access_denied"),
            scope == "approve"
        );
    }
    let page = anybody.open(&format!("/authorize?{}", asked.replace("scope=read", "scope=everything"))).await;
    assert_eq!((page.status, page.header("location")), (400, ""));
    is_ours(&page, "anybody");
    // A client of the configuration is told.
    let app = house.request("app", super::house::APP).replace("scope=read", "scope=everything");
    let told = anybody.open(&format!("/authorize?{app}")).await;
    assert!(told.location().starts_with(&format!("{}?error=invalid_scope", super::house::APP)));
}
