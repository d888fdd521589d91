//! Logging in and out: sessions begin anew, forms belong to one browser, nothing leads elsewhere.

use super::house::{House, PASSWORD};

const SESSION: &str = "pgwarden-loopback";
const BEFORE: &str = "pgwarden-loopback-before";

#[tokio::test]
async fn a_role_logs_in_and_out() {
    let house = House::open().await;
    let mut browser = house.browser();
    let to = browser.open("/account").await;
    assert_eq!(to.location(), "/login?next=%2Faccount");
    let welcome = browser.log_in("/login?next=%2Faccount", "ann", PASSWORD).await;
    assert_eq!(welcome.location(), "/account");
    let set: Vec<_> = welcome.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).collect();
    assert!(
        set.iter().any(|set| set.starts_with("pgwarden-loopback=") && set.contains("HttpOnly; SameSite=Lax"))
    );
    assert!(!browser.cookies.contains_key(BEFORE));

    let account = browser.open("/account").await;
    assert!(account.text.contains("Logged in as <strong>ann</strong>"), "{}", account.text);
    for token in ["", "x"] {
        assert_eq!(browser.submit(&account.form("/logout").with("token", token)).await.status, 403);
    }
    assert_eq!(browser.open("/account").await.status, 200, "logged out by a form that is not ours");
    let stolen = browser.cookies.clone();
    assert_eq!(browser.submit(&account.form("/logout")).await.location(), "/login");
    assert!(!browser.cookies.contains_key(SESSION));
    browser.cookies = stolen;
    assert_eq!(browser.open("/account").await.status, 303, "the session has ended, whoever has its cookie");
}

#[tokio::test]
async fn logging_out_everywhere_ends_the_sessions_of_other_browsers() {
    let house = House::open().await;
    let (mut one, mut two, mut other) =
        (house.browser_of("ann").await, house.browser_of("ann").await, house.browser_of("bob").await);
    let account = one.open("/account").await;
    let everywhere =
        account.forms().into_iter().find(|form| form.fields.iter().any(|(name, _)| name == "everywhere"));
    assert_eq!(one.submit(&everywhere.unwrap()).await.location(), "/login");
    assert_eq!(two.open("/account").await.status, 303);
    assert_eq!(other.open("/account").await.status, 200);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_role_have_the_same_answer() {
    let house = House::open().await;
    let mut answers = Vec::new();
    for (role, password) in [("ann", "wrong-canary-password"), ("nobody", PASSWORD)] {
        let mut browser = house.browser();
        let page = browser.log_in("/login", role, password).await;
        assert_eq!(page.status, 401);
        assert!(!browser.cookies.contains_key(SESSION));
        assert!(!page.text.contains(password), "a password comes back");
        assert!(page.text.contains("aria-invalid=\"true\" aria-describedby=\"wrong\""));
        let token = page.form("/login").field("token").to_owned();
        answers.push(page.text.replace(role, "ROLE").replace(&token, "TOKEN"));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn too_many_attempts_have_to_wait() {
    let house = House::open().await;
    let mut browser = house.browser();
    for _ in 0..20 {
        let page = browser.log_in("/login", "ann", "wrong").await;
        if page.status == 429 {
            assert!(page.header("retry-after").parse::<u64>().unwrap() > 0);
            return;
        }
    }
    panic!("twenty attempts went through");
}

#[tokio::test]
async fn a_session_gets_a_secret_of_its_own_at_login() {
    let house = House::open().await;
    let mut attacker = house.browser_of("bob").await;
    let fixed = attacker.cookies[SESSION].clone();
    let mut victim = house.browser();
    victim.cookies.insert(SESSION.to_owned(), fixed.clone());
    assert_eq!(victim.log_in("/login", "ann", PASSWORD).await.status, 303);
    assert_ne!(victim.cookies[SESSION], fixed);
    assert_eq!(attacker.open("/account").await.status, 303, "what was in the browser before has ended");
    let own = "chosen-by-the-attacker";
    let mut victim = house.browser();
    victim.cookies.insert(SESSION.to_owned(), own.to_owned());
    assert_eq!(victim.log_in("/login", "ann", PASSWORD).await.status, 303);
    assert_ne!(victim.cookies[SESSION], own);
}

#[tokio::test]
async fn a_login_form_works_in_the_browser_that_got_it() {
    let house = House::open().await;
    let mut attacker = house.browser();
    let form = attacker.open("/login").await.form("/login").with("role", "bob").with("password", PASSWORD);
    for cookie in [None, Some("x"), Some("")] {
        let mut victim = house.browser();
        victim.cookies.extend(cookie.map(|cookie| (BEFORE.to_owned(), cookie.to_owned())));
        let page = victim.submit(&form).await;
        assert_eq!(page.status, 403, "{}", page.text);
        assert!(!victim.cookies.contains_key(SESSION));
    }
    let elsewhere = form.clone().with("next", "/approvals");
    assert_eq!(attacker.submit(&elsewhere).await.status, 403, "the form was for another page");
    assert_eq!(attacker.submit(&form.clone().with("token", "")).await.status, 403);
    assert_eq!(attacker.submit(&form).await.status, 303);
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let house = House::open().await;
    for next in
        ["https://evil.example/", "//evil.example", "/\\evil.example", "/token", "javascript:alert(1)"]
    {
        let mut browser = house.browser();
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = browser.log_in(&format!("/login?next={next}"), "ann", PASSWORD).await;
        assert_eq!(page.location(), "/account", "{next}");
    }
}

#[tokio::test]
async fn credentials_in_a_url_log_nobody_in() {
    let house = House::open().await;
    let mut browser = house.browser();
    let page = browser.open(&format!("/login?role=ann&password={PASSWORD}")).await;
    assert_eq!(page.status, 200);
    assert!(
        !browser.cookies.contains_key(SESSION) && !page.text.contains(PASSWORD) && !page.text.contains("ann")
    );
}
