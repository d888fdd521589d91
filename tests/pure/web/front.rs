//! What every page passes and carries: Host, Origin, headers, sizes.

use reqwest::Method;

use super::house::{House, PASSWORD};

const PAGES: [&str; 7] =
    ["/login", "/account", "/approvals", "/approvals/0", "/credentials/0", "/authorize", "/nothing-there"];

#[tokio::test]
async fn every_answer_of_a_page_keeps_others_out() {
    let house = House::open().await;
    let (mut anybody, mut ann) = (house.browser(), house.browser_of("ann").await);
    for browser in [&mut anybody, &mut ann] {
        for path in PAGES.into_iter().filter(|path| *path != "/nothing-there") {
            let page = browser.open(path).await;
            let policy = page.header("content-security-policy");
            for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
                assert!(policy.contains(part), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe") && !policy.contains("script"), "{path}: {policy}");
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "same-origin"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(page.header(name), value, "{path}: {name}");
            }
            let opener = if ["/login", "/authorize"].contains(&path) { "unsafe-none" } else { "same-origin" };
            assert_eq!(page.header("cross-origin-opener-policy"), opener, "{path}");
            assert!(!page.headers.contains_key("access-control-allow-origin"), "{path}");
            assert!(!page.headers.contains_key("strict-transport-security"), "on http: {path}");
            assert!(page.text.len() < 10 * 1024, "{path} has {} bytes", page.text.len());
            assert!(!page.text.contains("<script") && !page.text.contains("style="), "{path}");
        }
    }
}

#[tokio::test]
async fn another_host_is_answered_nothing() {
    let house = House::open().await;
    for host in ["evil.example", "evil.example:8432", "localhost.evil.example", "127.0.0.1.nip.io"] {
        for path in ["/login", "/account", "/.well-known/oauth-authorization-server", "/token", "/assets/x"] {
            let mut browser = house.browser();
            browser.headers = vec![("host", host.to_owned())];
            let page = browser.send(Method::GET, path, None).await;
            assert_eq!(page.status, 403, "{host} {path}");
            assert!(browser.cookies.is_empty());
        }
    }
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let house = House::open().await;
    let mut browser = house.browser_of("ann").await;
    let form = browser.open("/account").await.form("/logout");
    let own = house.origin.clone();
    let header = |name, value: &str| (name, value.to_owned());
    for headers in [
        vec![header("origin", "https://evil.example")],
        vec![header("origin", "null")],
        vec![header("origin", "http://localhost:1")],
        vec![header("origin", &own), header("sec-fetch-site", "cross-site")],
        vec![header("origin", &own), header("sec-fetch-site", "same-site")],
        vec![header("origin", &own), header("sec-fetch-site", "none")],
        vec![header("origin", "https://evil.example"), header("sec-fetch-site", "same-origin")],
        vec![header("origin", &own), header("origin", "https://evil.example")],
        vec![header("origin", &own), header("sec-fetch-dest", "iframe")],
        vec![header("x-nothing", "said")],
    ] {
        browser.headers = headers.clone();
        let page = browser.submit(&form).await;
        assert_eq!(page.status, 403, "{headers:?}");
        assert!(page.text.contains("Nothing was changed"));
        assert_eq!(browser.open("/account").await.status, 200, "still logged in: {headers:?}");
    }
    for headers in [vec![header("origin", &own)], vec![header("sec-fetch-site", "same-origin")]] {
        let mut browser = house.browser_of("ann").await;
        let form = browser.open("/account").await.form("/logout");
        browser.headers = headers;
        assert_eq!(browser.submit(&form).await.status, 303);
    }
}

#[tokio::test]
async fn pages_are_not_shown_in_frames() {
    let house = House::open().await;
    let mut browser = house.browser_of("ann").await;
    browser.headers = vec![("sec-fetch-dest", "iframe".to_owned())];
    assert_eq!(browser.open("/account").await.status, 403);
}

#[tokio::test]
async fn changes_are_not_made_by_links() {
    let house = House::open().await;
    let mut browser = house.browser_of("ann").await;
    for path in [
        "/logout",
        "/consent",
        "/approvals/0/approve",
        "/approvals/0/refuse",
        "/account/grants/0/revoke",
        "/token",
    ] {
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(browser.send(method, path, None).await.status, 405, "{path}");
        }
    }
    assert_eq!(browser.open("/account").await.status, 200);
}

#[tokio::test]
async fn forms_are_read_within_bounds() {
    let house = House::open().await;
    let mut browser = house.browser();
    let form = browser.open("/login").await.form("/login");
    let long = form.clone().with("role", &"a".repeat(20_000));
    assert_eq!(browser.submit(&long).await.status, 413);
    let mut twice = form.clone().with("role", "ann").with("password", PASSWORD);
    twice.fields.push(("role".to_owned(), "bob".to_owned()));
    assert_eq!(browser.submit(&twice).await.status, 400);
    browser.headers = vec![("origin", house.origin.clone()), ("content-type", "text/plain".to_owned())];
    assert_eq!(browser.send(Method::POST, "/login", None).await.status, 415);
}

#[tokio::test]
async fn the_stylesheet_is_kept_and_named_by_what_is_in_it() {
    let house = House::open().await;
    let mut browser = house.browser();
    let page = browser.open("/login").await;
    let path = page.text.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let style = browser.open(&path).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"));
    assert!(style.text.contains("prefers-color-scheme: dark") && style.text.len() < 10 * 1024);
    assert_eq!(browser.open("/assets/0000000000000000.css").await.status, 404);
}
