//! From a client's request to its tokens: what is asked of the person, what the client gets, and when it gets nothing.

use reqwest::{Client, Method};
use serde_json::Value;

use super::browser::{Browser, Page};
use super::house::{APP, House, PASSWORD, VERIFIER};

const NATIVE: &str = "http://127.0.0.1:51234/callback";

/// The parameters of a redirect.
fn parameters(url: &str) -> Vec<(String, String)> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

fn parameter(url: &str, name: &str) -> String {
    let found = parameters(url).into_iter().find(|(parameter, _)| parameter == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1
}

async fn answer(browser: &mut Browser, page: &Page, answer: &str) -> Page {
    browser.submit(&page.form("/consent").with("answer", answer)).await
}

struct Token {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

async fn post(house: &House, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Token {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut request = Client::new().post(format!("{}{path}", house.origin)).body(body);
    request = request.header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Token {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}")),
    }
}

async fn exchange(house: &House, code: &str, client: &str, redirect: &str) -> Token {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect),
        ("client_id", client),
        ("code_verifier", VERIFIER),
        ("resource", &format!("{}/mcp", house.origin)),
    ];
    post(house, "/token", &fields, &[]).await
}

async fn status_of_mcp(house: &House, token: &str) -> u16 {
    let request = Client::new().post(format!("{}/mcp", house.origin)).bearer_auth(token);
    let request = request
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    request.body(ping).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_client_is_allowed_gets_tokens_and_loses_them_again() {
    let house = House::open().await;
    let authorize = format!("/authorize?{}", house.request("app", APP));
    let mut browser = house.browser();
    let login = browser.open(&authorize).await.location().to_owned();
    assert!(login.starts_with("/login?next=%2Fauthorize%3F"), "{login}");
    assert_eq!(browser.log_in(&login, "ann", PASSWORD).await.location(), authorize);

    let page = browser.open(&authorize).await;
    for shown in ["The App", "<strong>ann</strong>", "app.example", "Read what you may read there"] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert!(!page.text.contains("Change what"), "only what was asked for");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://app.example;"), "{policy}");

    let to = answer(&mut browser, &page, "allow").await.location().to_owned();
    assert!(to.starts_with(&format!("{APP}?")), "{to}");
    assert_eq!(
        (parameter(&to, "state"), parameter(&to, "iss")),
        ("state-1".to_owned(), house.origin.clone())
    );
    let code = parameter(&to, "code");
    let given = exchange(&house, &code, "app", APP).await;
    assert_eq!(given.status, 200, "{}", given.body);
    assert_eq!(given.headers["cache-control"], "no-store");
    let access = given.body["access_token"].as_str().unwrap();
    assert_ne!(status_of_mcp(&house, access).await, 401);

    let account = browser.open("/account").await;
    let revoke = account.forms().into_iter().find(|form| form.action.ends_with("/revoke")).unwrap();
    let mut bob = house.browser_of("bob").await;
    assert!(!bob.open("/account").await.text.contains("/revoke"));
    assert_eq!(bob.submit(&revoke).await.status, 403);
    assert_eq!(browser.submit(&revoke.clone().with("token", "x")).await.status, 403);
    assert_ne!(status_of_mcp(&house, access).await, 401, "still good");
    assert_eq!(browser.submit(&revoke).await.location(), "/account");
    assert_eq!(status_of_mcp(&house, access).await, 401);
    assert_eq!(browser.submit(&revoke).await.status, 404);
}

#[tokio::test]
async fn the_person_may_say_no() {
    let house = House::open().await;
    let mut browser = house.browser_of("ann").await;
    let page = browser.open(&format!("/authorize?{}", house.request("app", APP))).await;
    let to = answer(&mut browser, &page, "deny").await.location().to_owned();
    assert!(to.starts_with(&format!("{APP}?")));
    assert_eq!(parameter(&to, "error"), "access_denied");
    assert_eq!(
        (parameter(&to, "state"), parameter(&to, "iss")),
        ("state-1".to_owned(), house.origin.clone())
    );
    assert!(!to.contains("code="));
    assert_eq!(answer(&mut browser, &page, "perhaps").await.status, 400);
}

#[tokio::test]
async fn a_yes_is_remembered_but_not_after_a_login_nor_for_a_program_on_the_machine() {
    let house = House::open().await;
    let mut browser = house.browser_of("ann").await;
    let authorize = format!("/authorize?{}", house.request("app", APP));
    let page = browser.open(&authorize).await;
    answer(&mut browser, &page, "allow").await;
    assert!(browser.open(&authorize).await.location().starts_with(APP), "not asked again");
    browser.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    let page = browser.open(&authorize).await;
    assert_eq!(page.status, 200, "behind the form of the login");
    browser.headers.clear();
    let mut bob = house.browser_of("bob").await;
    assert_eq!(bob.open(&authorize).await.status, 200, "another person is asked");

    let native = format!("/authorize?{}", house.request("native", NATIVE));
    for _ in 0..2 {
        let page = browser.open(&native).await;
        assert!(page.text.contains("a program on this computer"), "{}", page.text);
        assert!(
            page.header("content-security-policy").contains("form-action 'self' http://127.0.0.1:51234;")
        );
        assert!(answer(&mut browser, &page, "allow").await.location().starts_with(NATIVE));
    }
}

#[tokio::test]
async fn who_may_have_nothing_of_it_gets_back_to_the_client() {
    let house = House::open().await;
    let query = house.request("app", APP).replace("scope=read", "scope=approve");
    let mut browser = house.browser_of("ann").await;
    let to = browser.open(&format!("/authorize?{query}")).await.location().to_owned();
    assert_eq!(parameter(&to, "error"), "access_denied");
    browser.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    let page = browser.open(&format!("/authorize?{query}")).await;
    assert_eq!((page.status, page.header("location")), (403, ""), "straight after the login");
    assert!(page.text.contains(&format!("href=\"{}\"", to.replace('&', "&amp;"))), "{}", page.text);
}

#[tokio::test]
async fn nobody_is_redirected_before_client_and_redirect_are_known() {
    let house = House::open().await;
    let good = house.request("app", APP);
    let encoded = "https%3A%2F%2Fapp.example%2Fcallback";
    let mut member = house.browser_of("ann").await;
    for query in [
        String::new(),
        good.replace("client_id=app", "client_id=other"),
        good.replace("client_id=app", "client_id=https%3A%2F%2Fevil.example%2Fc"),
        good.replace(encoded, "https%3A%2F%2Fevil.example%2Fcallback"),
        good.replace(encoded, "https%3A%2F%2Fapp.example%2Fcallback%2F"),
        good.replace(encoded, "javascript%3Aalert(1)"),
        format!("{good}&client_id=app"),
        format!("{good}&redirect_uri={encoded}"),
    ] {
        for browser in [&mut house.browser(), &mut member] {
            let page = browser.open(&format!("/authorize?{query}")).await;
            assert_eq!((page.status, page.header("location")), (400, ""), "{query}");
            assert!(!page.text.contains("evil.example") && !page.text.contains("<form"), "{}", page.text);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_to_a_known_client() {
    let house = House::open().await;
    let good = house.request("app", APP);
    for (query, error) in [
        (good.replace("response_type=code", "response_type=token"), "unsupported_response_type"),
        (good.replace("code_challenge_method=S256", "code_challenge_method=plain"), "invalid_request"),
        (good.replace("scope=read", "scope=everything"), "invalid_scope"),
        (good.replace("%2Fmcp", "%2Fother"), "invalid_target"),
    ] {
        let to = house.browser().open(&format!("/authorize?{query}")).await.location().to_owned();
        assert!(to.starts_with(APP), "{to}");
        assert_eq!(parameter(&to, "error"), error, "{query}");
        assert_eq!(
            (parameter(&to, "state"), parameter(&to, "iss")),
            ("state-1".to_owned(), house.origin.clone())
        );
    }
}

#[tokio::test]
async fn a_consent_is_for_what_was_shown() {
    let house = House::open().await;
    let (mut ann, mut bob) = (house.browser_of("ann").await, house.browser_of("bob").await);
    let page = ann.open(&format!("/authorize?{}", house.request("app", APP))).await;
    let form = page.form("/consent").with("answer", "allow");
    let request = form.field("request").to_owned();
    for other in [
        request.replace("scope=read", "scope=write"),
        request.replace("state=state-1", "state=state-2"),
        request.replace("E9Melhoa", "A9Melhoa"),
        house.request("native", NATIVE),
    ] {
        assert_eq!(ann.submit(&form.clone().with("request", &other)).await.status, 403, "{other}");
    }
    assert_eq!(ann.submit(&form.clone().with("token", "x")).await.status, 403);
    assert_eq!(bob.submit(&form).await.status, 403, "in another person's browser");
    assert_eq!(house.browser().submit(&form).await.status, 403, "in nobody's");
    ann.headers = vec![("origin", "https://app.example".to_owned())];
    assert_eq!(ann.submit(&form).await.status, 403, "sent by the client's own page");
    assert!(!ann.open("/account").await.text.contains("/revoke"), "nothing was granted");
    assert_eq!(ann.submit(&form).await.status, 303);
}

#[tokio::test]
async fn the_token_endpoint_says_what_is_wrong_and_is_never_cached() {
    let house = House::open().await;
    for (fields, headers, status, error) in [
        (vec![], vec![], 401, "invalid_client"),
        (vec![("client_id", "app")], vec![], 400, "invalid_request"),
        (vec![("client_id", "app"), ("grant_type", "password")], vec![], 400, "unsupported_grant_type"),
        (vec![("client_id", "app"), ("client_id", "app")], vec![], 400, "invalid_request"),
        (vec![("client_id", "app"), ("grant_type", "authorization_code"), ("code", "x")], vec![], 400, ""),
        (vec![("grant_type", "refresh_token")], vec![("authorization", "Basic eDp5")], 401, "invalid_client"),
    ] {
        let answer = post(&house, "/token", &fields, &headers).await;
        assert_eq!(answer.status, status, "{fields:?} {}", answer.body);
        if !error.is_empty() {
            assert_eq!(answer.body["error"], error, "{fields:?}");
        }
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers.contains_key("www-authenticate"), !headers.is_empty());
    }
    let json =
        Client::new().post(format!("{}/token", house.origin)).header("content-type", "application/json");
    assert_eq!(json.body("{}").send().await.unwrap().status(), 400);
    let query =
        house.browser().send(Method::POST, "/token?grant_type=refresh_token&client_id=app", Some(&[])).await;
    assert_eq!(query.status, 401, "only the body counts");
}

#[tokio::test]
async fn scripts_of_other_sites_reach_metadata_and_tokens_and_nothing_else() {
    let house = House::open().await;
    let mut browser = house.browser_of("ann").await;
    browser.headers = vec![("origin", "https://inspector.example".to_owned())];
    let metadata = browser.open("/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata.header("access-control-allow-origin"), "*");
    let told: Value = serde_json::from_str(&metadata.text).unwrap();
    assert_eq!(told["issuer"], house.origin);
    assert_eq!(told["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    for path in ["/token", "/revoke", "/.well-known/oauth-authorization-server"] {
        let asked = browser.send(Method::OPTIONS, path, None).await;
        assert_eq!((asked.status, asked.header("access-control-allow-origin")), (204, "*"), "{path}");
        assert_eq!(asked.header("access-control-allow-credentials"), "");
    }
    for path in ["/login", "/consent", "/account", "/approvals", "/register", "/logout"] {
        for method in [Method::OPTIONS, Method::GET] {
            let answer = browser.send(method, path, None).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        }
    }
}

#[tokio::test]
async fn clients_register_only_where_they_may() {
    let house = House::open().await;
    let register = |house: &House, media: &'static str| {
        let request = Client::new().post(format!("{}/register", house.origin)).header("content-type", media);
        request.body(r#"{"client_name": "New", "redirect_uris": ["https://new.example/cb"]}"#).send()
    };
    assert_eq!(register(&house, "application/json").await.unwrap().status(), 403);
    let open = House::with(|settings| settings.registration = true, Default::default()).await;
    assert_eq!(register(&open, "text/plain").await.unwrap().status(), 415);
    let answer = register(&open, "application/json").await.unwrap();
    assert_eq!(answer.status(), 201);
    let client: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let mut browser = open.browser_of("ann").await;
    let id = client["client_id"].as_str().unwrap();
    let page = browser.open(&format!("/authorize?{}", open.request(id, "https://new.example/cb"))).await;
    assert!(page.text.contains("Nobody vouches for this program"), "{}", page.text);
}

#[tokio::test]
async fn a_code_is_used_once() {
    let house = House::open().await;
    let mut browser = house.browser_of("ann").await;
    let page = browser.open(&format!("/authorize?{}", house.request("native", NATIVE))).await;
    let to = answer(&mut browser, &page, "allow").await.location().to_owned();
    let code = parameter(&to, "code");
    let first = exchange(&house, &code, "native", NATIVE).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let second = exchange(&house, &code, "native", NATIVE).await;
    assert_eq!((second.status, &second.body["error"]), (400, &"invalid_grant".into()));
    assert_eq!(
        status_of_mcp(&house, first.body["access_token"].as_str().unwrap()).await,
        401,
        "and the grant ends"
    );
}
