//! What the pages show, and what they keep back.

use reqwest::StatusCode;
use serde_json::json;

use super::{CANARY, Serving, token_of};
use crate::support::until;

#[tokio::test]
async fn decisions_are_shown_with_their_rules_and_nothing_that_a_caller_wrote_as_a_value() {
    let serving = Serving::start("").await;
    let anna = serving.token("anna", "write").await;
    for sql in [
        format!("SELECT name FROM s.customers WHERE name = '{CANARY}'"),
        "SELECT id FROM s.vault".to_owned(),
        format!("it's {CANARY} that is no statement"),
        format!("SELECT \"</code><script>{CANARY}\""),
        format!("SELECT $${CANARY}$$ AS \"\u{202e}<img src=x>\""),
    ] {
        serving.query(&anna, &sql).await;
    }
    let update = json!({"sql": "UPDATE s.customers SET name = $1 WHERE id = 1", "params": [CANARY]});
    serving.call(&anna, "execute", update).await;
    let mut operator = serving.operator("dora").await;
    let page = operator.text("/").await;
    for shown in [
        "<strong>anna</strong>",
        "= ?)",
        "refused",
        "allowed",
        "&lt;script&gt;alert(1)&lt;/script&gt;/<mark>U+202E</mark>1",
        "not a statement that could be shown without its values",
        "answers",
        "policy.toml",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    // A name in quotes is no literal, and is shown: escaped.
    let quoted = page.replace(&format!("&lt;/code&gt;&lt;script&gt;{CANARY}"), "");
    assert!(!quoted.contains(CANARY), "{page}");
    for raw in ["<script>", "<img src=x", "\u{202e}", &anna, "postgres://"] {
        assert!(!page.contains(raw), "{raw}: {page}");
    }
    assert_eq!(page.matches("<script").count(), 1, "its own");
    assert!(!serving.log.lock().unwrap().contains(CANARY));
}

#[tokio::test]
async fn literals_are_shown_only_where_the_audit_log_has_them_too() {
    for (statements, shown) in [("whole", true), ("fingerprint", false), ("none", false)] {
        let more = format!("[audit]\nfile = \"audit.jsonl\"\nstatements = \"{statements}\"");
        let serving = Serving::start(&more).await;
        let anna = serving.token("anna", "read").await;
        serving.query(&anna, &format!("SELECT '{CANARY}'")).await;
        let page = serving.operator("dora").await.text("/live").await;
        assert_eq!(page.contains(CANARY), shown, "{statements}");
        assert_eq!(page.contains("(fingerprint)"), statements == "fingerprint");
    }
}

#[tokio::test]
async fn a_statement_is_tried_as_a_caller_and_nothing_runs() {
    let serving = Serving::start("").await;
    let mut operator = serving.operator("dora").await;
    let token = token_of(&operator.text("/try").await, "/try");
    let tried = async |sql: &str| {
        let fields = [
            ("token", token.as_str()),
            ("database", "shop"),
            ("subject", "anna"),
            ("claims", "role=x"),
            ("sql", sql),
        ];
        let answer = operator.clone().post("/try", &fields).await;
        (answer.status(), answer.text().await.unwrap())
    };
    let (_, page) = tried("select name from s.customers").await;
    assert!(page.contains("Allowed") && page.contains("SELECT"), "{page}");
    let (_, page) = tried("SELECT id FROM s.vault").await;
    assert!(page.contains("Refused: ") && page.contains("42P01"), "{page}");
    let (_, page) = tried("UPDATE s.customers SET name = 'tried' WHERE id = 2").await;
    assert!(page.contains("Allowed") && page.contains("as UPDATE"), "{page}");
    let (_, page) = tried("</textarea><script>").await;
    assert!(page.contains("Refused: ") && page.matches("<script").count() == 1, "{page}");
    // As long as `query` takes, however it is written in a form.
    let long = |bytes: usize| format!("SELECT name FROM s.customers{}", "\n".repeat(bytes - 28));
    let (_, page) = tried(&long(65_536)).await;
    assert!(page.contains("Allowed"), "{page}");
    let (_, page) = tried(&long(65_537)).await;
    assert!(page.contains("Refused: ") && page.contains("54000"), "{page}");
    let (status, _) = tried(&"%".repeat(100_000)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let count = "SELECT count(*) FROM s.customers WHERE name = 'tried'";
    assert_eq!(serving.admin.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0);

    let page = operator.text("/policies?database=shop").await;
    assert!(
        page.contains("s.customers") && page.contains("s.vault") && page.contains("policy.toml"),
        "{page}"
    );
    assert!(operator.text("/policies?database=nothing").await.contains("does not exist"));
}

#[tokio::test]
async fn a_session_of_a_client_is_shown_with_its_name_and_a_server_that_is_gone_as_gone() {
    let serving = Serving::start("").await;
    let anna = serving.token("anna", "read").await;
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "probe", "version": "7"}}});
    let post = serving.client.post(&serving.mcp).bearer_auth(&anna);
    let post = post.header("accept", "application/json, text/event-stream").json(&message);
    assert_eq!(post.send().await.unwrap().status(), StatusCode::OK);
    let operator = serving.operator("dora").await;
    until("the session is shown", async || {
        let page = operator.clone().text("/live").await;
        let sessions = page.split_once("id=\"sessions\"").unwrap().1.to_owned();
        (sessions.contains("probe/7") && sessions.contains("2025-06-18") && sessions.contains("anna"))
            .then_some(())
    })
    .await;
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid()";
    let whose = "SELECT usename::text FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid() LIMIT 1";
    let login: String = serving.admin.query_one(whose, &[]).await.unwrap().get(0);
    serving.admin.batch_execute(&format!("ALTER ROLE \"{login}\" NOLOGIN")).await.unwrap();
    serving.admin.batch_execute(ended).await.unwrap();
    until("PostgreSQL does not answer", async || {
        operator.clone().text("/live").await.contains("does not answer").then_some(())
    })
    .await;
    serving.admin.batch_execute(&format!("ALTER ROLE \"{login}\" LOGIN")).await.unwrap();
    until("it answers again", async || {
        operator.clone().text("/live").await.contains(">answers<").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_trial_says_what_else_would_refuse_the_caller() {
    let serving = Serving::start("").await;
    let mut operator = serving.operator("dora").await;
    let token = token_of(&operator.text("/try").await, "/try");
    let tried = async |browser: &super::Browser, subject: &str, scopes: &str, sql: &str| {
        let fields = [("token", &*token), ("database", "shop"), ("subject", subject), ("scopes", scopes)];
        let answer = browser.clone().post("/try", &[&fields[..], &[("sql", sql)]].concat()).await;
        answer.text().await.unwrap()
    };
    let (read, update) = ("SELECT 1", "UPDATE s.customers SET name = 'x' WHERE id = 2");
    for (scopes, sql, lacks) in [
        ("write", update, None),
        ("read", read, None),
        ("read", update, Some("write")),
        ("approve", read, Some("read")),
    ] {
        let page = tried(&operator, "anna", scopes, sql).await;
        assert!(page.contains("Allowed"), "{page}");
        assert_eq!(page.contains("Refused at the moment"), lacks.is_some(), "{scopes} {sql}: {page}");
        assert!(lacks.is_none_or(|scope| page.contains(&format!("lacks the scope `{scope}`"))), "{page}");
    }
    for (what, subject, reads) in [("caller", "anna", true), (r#"{"writes":{"database":null}}"#, "", false)] {
        let fields = [("what", what), ("subject", subject), ("time", "1h"), ("reason", "a leak")];
        operator.act("/suspend", &fields).await;
        for (subject, sql) in [("anna", read), ("bob", read), ("bob", update)] {
            let page = tried(&operator, subject, "write", sql).await;
            let expected = (subject == "anna") || (!reads && sql == update);
            assert_eq!(page.contains("operations.suspended"), expected, "{what} {subject} {sql}: {page}");
            assert!(page.contains("Allowed"), "{page}");
        }
    }
}

#[tokio::test]
async fn a_trial_is_under_the_policy_of_the_client() {
    let serving = Serving::start("").await;
    let config = std::fs::read_to_string(serving.file("pgwarden.toml")).unwrap();
    let mapped = "[[databases.shop.policies]]\nwhen = { client = \"odd\" }\npolicy = \"odd.toml\"\n";
    std::fs::write(serving.file("odd.toml"), "version = 1\ninclude = []\n").unwrap();
    std::fs::write(serving.file("pgwarden.toml"), format!("{config}{mapped}")).unwrap();
    let mut operator = serving.operator("dora").await;
    let token = token_of(&operator.text("/try").await, "/try");
    until("the client has its policy", async || {
        let sql = ("sql", "SELECT name FROM s.customers");
        let fields =
            [("token", &*token), ("database", "shop"), ("subject", "anna"), ("client", "odd/2"), sql];
        let page = operator.clone().post("/try", &fields).await.text().await.unwrap();
        page.contains("Refused: ").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_began_under_a_wider_setting_is_shown_as_the_narrower_one_says() {
    let serving = Serving::start(
        "[tasks]\nhandle_after_ms = 1\n[audit]\nfile = \"audit.jsonl\"\nstatements = \"whole\"",
    )
    .await;
    let anna = serving.token("anna", "read").await;
    serving.query(&anna, super::LONG).await;
    let operator = serving.operator("dora").await;
    until("it runs, and is shown whole", async || {
        operator.clone().text("/live").await.contains(CANARY).then_some(())
    })
    .await;
    let config = std::fs::read_to_string(serving.file("pgwarden.toml")).unwrap();
    std::fs::write(serving.file("pgwarden.toml"), config.replace("\"whole\"", "\"redacted\"")).unwrap();
    until("it is taken", async || serving.said().contains("configuration taken").then_some(())).await;
    until("its literals are gone", async || {
        let page = operator.clone().text("/live").await;
        let running = page.split_once("id=\"running\"").unwrap().1;
        let running = running.split_once("id=\"waiting\"").unwrap().0;
        (running.contains("pairs") && !page.contains(CANARY)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_name_that_hides_something_is_marked_in_attributes_too() {
    let serving = Serving::start("").await;
    let mut operator = serving.operator("dora").await;
    let named = "an\u{202e}na\u{1b}";
    let fields = [("what", "caller"), ("subject", named), ("time", "1h"), ("reason", "x")];
    let (_, page) = operator.act("/suspend", &fields).await;
    assert!(page.contains("aria-label=\"Resume caller an[U+202E]na[U+001B]\""), "{page}");
    let page = operator.text("/?subject=an%E2%80%AEna#suspend").await;
    assert!(page.contains("Named as an<mark>U+202E</mark>na"), "{page}");
}
