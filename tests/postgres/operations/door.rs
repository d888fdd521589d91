//! Who comes in, by which token, from where, and until when.

use reqwest::StatusCode;

use super::{Serving, created, leads_to, token_of};
use crate::postgres::cli::run;
use crate::support::until;

#[tokio::test]
async fn nobody_comes_in_without_a_token_that_has_the_scope_admin() {
    let serving = Serving::start("").await;
    let mut browser = serving.browser();
    for path in ["/", "/policies", "/try"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status(), leads_to(&answer)), (StatusCode::SEE_OTHER, "/login"), "{path}");
    }
    assert_eq!(browser.get("/live").await.status(), StatusCode::UNAUTHORIZED);
    for (scope, status) in [("read", 403), ("write", 403), ("approve", 403)] {
        let token = serving.token(scope, scope).await;
        assert_eq!(browser.log_in(&token).await.as_u16(), status, "{scope}");
    }
    assert_eq!(browser.log_in("pgw_nothing").await, StatusCode::UNAUTHORIZED);
    assert!(!browser.cookies.iter().any(|(name, _)| name == "pgwarden-loopback-operations"));
    // A bearer's header opens nothing: only the form does.
    let admin = serving.token("dora", "admin").await;
    let answer = serving.client.get(&serving.origin).bearer_auth(&admin).send().await.unwrap();
    assert_eq!(leads_to(&answer), "/login");

    let page = browser.text("/login").await;
    let form = token_of(&page, "/login");
    let answer = browser.post("/login", &[("token", &form), ("access_token", &admin)]).await;
    let set: Vec<_> =
        answer.headers().get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).collect();
    let session = set.iter().find(|set| set.starts_with("pgwarden-loopback-operations=")).unwrap();
    assert!(
        session.contains("HttpOnly") && session.contains("SameSite=Strict") && session.contains("Path=/")
    );
    assert!(!session.contains(&admin));
    let answer = browser.get("/").await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let page = answer.text().await.unwrap();
    assert!(page.contains("Logged in as <strong>dora</strong>") && !page.contains(&admin), "{page}");

    let form = token_of(&page, "/logout");
    let mut left = browser.clone();
    assert_eq!(leads_to(&left.post("/logout", &[("token", &form)]).await), "/login");
    assert_eq!(leads_to(&browser.get("/").await), "/login", "the cookie of before is worth nothing");
}

#[tokio::test]
async fn a_form_counts_only_from_its_own_session_and_its_own_page() {
    let serving = Serving::start("").await;
    let (mut one, mut other) = (serving.operator("one").await, serving.operator("other").await);
    let foreign = token_of(&other.text("/").await, "/suspend");
    let own = token_of(&one.text("/").await, "/suspend");
    let cancel = token_of(&one.text("/").await, "/cancel");
    let suspend = |token: &str| {
        [
            ("token", token.to_owned()),
            ("what", "\"all\"".to_owned()),
            ("time", "1h".to_owned()),
            ("reason", "x".to_owned()),
        ]
    };
    for (origin, token) in [
        (serving.origin.as_str(), foreign.as_str()),
        (&serving.origin, &cancel),
        (&serving.origin, ""),
        ("https://evil.example", &own),
        ("null", &own),
        ("http://127.0.0.1:1", &own),
        (&serving.origin.replace("127.0.0.1", "localhost"), &own),
    ] {
        let fields = suspend(token);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = one.post_from(origin, "/suspend", &fields).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{origin} {token}");
    }
    // Without Origin and Sec-Fetch-Site, nobody knows where it is from.
    let bare = serving.client.post(format!("{}/suspend", serving.origin)).header("cookie", one.cookie());
    assert_eq!(bare.form(&suspend(&own)).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let get = one.get("/suspend?what=%22all%22&reason=x&time=1h").await;
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
    for path in ["/cancel", "/resume", "/logout"] {
        assert_eq!(one.get(path).await.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert!(!one.text("/").await.contains("Resume all"), "nothing was suspended");
    // The same form, as it should be.
    let fields = suspend(&own);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(one.post("/suspend", &fields).await.status(), StatusCode::SEE_OTHER);
    assert!(one.text("/").await.contains("Resume all"));
}

#[tokio::test]
async fn it_answers_to_its_own_host_alone_and_to_no_frame() {
    let serving = Serving::start("").await;
    let mut operator = serving.operator("dora").await;
    let asked = |host: String| {
        let get =
            serving.client.get(&serving.origin).header("host", host).header("cookie", operator.cookie());
        async move { get.send().await.unwrap() }
    };
    let port = serving.origin.rsplit(':').next().unwrap();
    for host in
        ["evil.example".to_owned(), format!("127.0.0.1.evil.example:{port}"), format!("x@127.0.0.1:{port}")]
    {
        let status = asked(host.clone()).await.status();
        assert!([StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST].contains(&status), "{host}: {status}");
    }
    let answer = asked(format!("localhost:{port}")).await;
    assert_eq!(leads_to(&answer), format!("{}/", serving.origin), "under another name it leads to its own");
    let framed = serving.client.get(&serving.origin).header("cookie", operator.cookie());
    assert_eq!(
        framed.header("sec-fetch-dest", "iframe").send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    // Two cookies of the name: one would be somebody else's.
    let two = format!("pgwarden-loopback-operations=planted; {}", operator.cookie());
    let answer = serving.client.get(&serving.origin).header("cookie", two).send().await.unwrap();
    assert_eq!(leads_to(&answer), "/login");
    operator.text("/").await;
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_a_planted_cookie_is_none() {
    let serving = Serving::start("").await;
    let mut operator = serving.operator("dora").await;
    let mut planted = serving.browser();
    planted.cookies.push(("pgwarden-loopback-operations".to_owned(), "x".repeat(43)));
    assert_eq!(leads_to(&planted.get("/").await), "/login");
    let admin = serving.token("eve", "admin").await;
    assert_eq!(planted.log_in(&admin).await, StatusCode::SEE_OTHER);
    assert!(planted.cookies.iter().all(|(_, value)| *value != "x".repeat(43)), "a login gives a new secret");

    operator.text("/").await;
    let ended = run(&["token", "revoke", "--tokens-file", &serving.tokens, "dora"]);
    assert_eq!(ended.status, 0, "{}", ended.err);
    until("the session ends with its token", async || {
        (operator.clone().get("/live").await.status() == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    assert_eq!(leads_to(&operator.get("/").await), "/login");
    planted.text("/").await;
}

#[tokio::test]
async fn attempts_are_throttled_and_who_is_in_stays_in() {
    let serving = Serving::start("").await;
    let mut operator = serving.operator("dora").await;
    let mut guesser = serving.browser();
    let form = token_of(&guesser.text("/login").await, "/login");
    let mut throttled = 0;
    for guess in 0..40 {
        let answer =
            guesser.post("/login", &[("token", &form), ("access_token", &format!("pgw_{guess}"))]).await;
        throttled += usize::from(answer.status() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(throttled >= 20, "{throttled}");
    operator.text("/").await;
    // Nor does anybody keep somebody with a good token out, from the same address.
    serving.operator("eve").await;
}

#[tokio::test]
async fn a_form_looks_at_its_token_right_then() {
    let serving = Serving::start("").await;
    let mut operator = serving.operator("dora").await;
    let token = token_of(&operator.text("/").await, "/suspend");
    let ended = run(&["token", "revoke", "--tokens-file", &serving.tokens, "dora"]);
    assert_eq!(ended.status, 0, "{}", ended.err);
    let fields = [("token", token.as_str()), ("what", "\"all\""), ("time", "1h"), ("reason", "x")];
    assert_eq!(operator.post("/suspend", &fields).await.status(), StatusCode::FORBIDDEN);
    let page = serving.operator("eve").await.text("/").await;
    assert!(!page.contains("Resume all"), "{page}");
}

#[tokio::test]
async fn with_tls_the_cookie_is_bound_to_the_host() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (folder, key) = (tempfile::tempdir().unwrap(), made.signing_key.serialize_pem());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(file("key.pem"), key).unwrap();
    let tls = format!("tls.cert_file = {:?}\ntls.key_file = {:?}", file("cert.pem"), file("key.pem"));
    let serving = Serving::start(&tls).await;
    assert!(serving.origin.starts_with("https://127.0.0.1:"), "{}", serving.origin);
    let admin = serving.token("dora", "admin").await;
    let mut browser = serving.browser();
    let form = token_of(&browser.text("/login").await, "/login");
    let answer = browser.post("/login", &[("token", &form), ("access_token", &admin)]).await;
    let set: Vec<_> =
        answer.headers().get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).collect();
    let session = set.iter().find(|set| set.starts_with("__Host-pgwarden-operations=")).unwrap();
    for word in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(session.contains(word), "{session}");
    }
    assert!(!session.contains("Domain"), "{session}");
    let page = browser.text("/").await;
    assert!(page.contains("Logged in as <strong>dora</strong>"), "{page}");
    let plain = serving.origin.replace("https://", "http://");
    serving.client.get(&plain).send().await.unwrap_err();
}

#[tokio::test]
async fn it_does_not_start_where_nobody_could_log_in_or_others_could_listen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pgwarden.toml");
    created(folder.path().join("tokens.toml").to_str().unwrap(), "dora", "admin");
    for (auth, operations, says) in [
        ("", "listen = \"127.0.0.1:0\"", "`[operations]` is for bearers of a token"),
        ("tokens_file = \"tokens.toml\"", "listen = \"0.0.0.0:0\"", "refusing to show the operations page"),
        (
            "tokens_file = \"tokens.toml\"",
            "listen = \"0.0.0.0:0\"\npublic_url = \"https://ops.example\"",
            "refusing to show the operations page",
        ),
    ] {
        let text = format!(
            "[auth]\n{auth}\n[operations]\n{operations}\n[databases.x]\nurl = \"postgres://u@127.0.0.1:1/x\"\n"
        );
        std::fs::write(&file, text).unwrap();
        let ended = run(&["serve", "--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()]);
        assert!(ended.status != 0 && ended.err.contains(says), "{}", ended.err);
    }
}
