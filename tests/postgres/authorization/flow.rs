//! From a question to a tool call, as clients do it.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use pgwarden::auth::server::{AuthorizeError, ClientKind, Settings, TokenRequest};
use pgwarden::auth::{Scope, Scopes};
use serde_json::json;

use super::stage::{
    CLAUDE, HERE, ISSUER, PASSWORD, RESOURCE, Stage, VERIFIER, WEB, exchange, facts, pairs, parameter, query,
    settings, with_both_stores,
};

with_both_stores! {
    a_person_s_yes_becomes_tokens: settings();
    a_kept_login_comes_with_the_access_token: Settings { keep_login: true, ..settings() };
    scopes_are_what_is_asked_within_what_the_person_may: settings();
    consent_is_remembered_for_the_same_request_alone: settings();
    clients_register_where_it_is_on: Settings { registration: true, ..settings() };
    a_client_with_a_secret_has_to_know_it: settings();
    claude_code_comes_with_any_port: settings();
}

async fn a_person_s_yes_becomes_tokens(stage: Stage) {
    let session = stage.log_in("ada").await;
    let pending = stage.pending(&session, &query(&[])).await;
    assert_eq!((pending.client_name.as_str(), pending.kind), ("The web-app", ClientKind::Configured));
    assert_eq!((pending.redirect_host.as_str(), pending.is_loopback), ("app.example", false));
    assert_eq!(pending.redirect_source.as_deref(), Some("https://app.example"));
    let to = stage.server.approve(&pending, &session).await.unwrap();
    assert!(to.starts_with("https://app.example/callback?code=pgwc_"), "{to}");
    assert_eq!(parameter(&to, "state").unwrap(), "st&te");
    assert_eq!(parameter(&to, "iss").unwrap(), ISSUER);
    let answer = stage.exchange(&parameter(&to, "code").unwrap()).await.unwrap();
    let body = answer.body();
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&json!("Bearer"), &json!(600), &json!("read write"))
    );
    let admitted = stage.admitted(answer.access.reveal()).await.unwrap();
    let caller = admitted.caller;
    assert_eq!(caller.person(), (ISSUER, "ada"));
    assert_eq!(caller.client_id.as_deref(), Some(WEB.0));
    assert_eq!(caller.scopes, Scope::Write.into());
    assert_eq!(caller.claims.get("role"), Some("ada"));
    assert_eq!(caller.claims.get("roles"), Some("staff"), "a name with a comma would be two");
    assert!(caller.login.is_none() && !admitted.ended.is_cancelled());
    for other in ["pgw_abc", "eyJhbGciOiJub25lIn0.e30.", answer.refresh.reveal()] {
        let verdict = pgwarden::auth::Verifier::verify(&*stage.server, other, None).await;
        assert!(matches!(verdict, pgwarden::auth::Verdict::Foreign), "{verdict:?}");
    }
}

async fn a_kept_login_comes_with_the_access_token(stage: Stage) {
    let mut answer = stage.tokens().await;
    for _ in 0..3 {
        let login = stage.admitted(answer.access.reveal()).await.unwrap().caller.login.unwrap();
        assert_eq!((login.role.as_str(), login.password.as_str()), ("ada", PASSWORD));
        assert_eq!(format!("{login:?}"), "OwnLogin(..)");
        answer = stage.refresh(answer.refresh.reveal()).await.unwrap();
    }
    assert!(!format!("{answer:?} {:?}", stage.server).contains("pgw"));
}

async fn scopes_are_what_is_asked_within_what_the_person_may(stage: Stage) {
    stage.roles.facts.lock().unwrap().insert("lea".to_owned(), facts("lea", &["lead"], |_| {}));
    let (ada, lea) = (stage.log_in("ada").await, stage.log_in("lea").await);
    let asked = |scope| query(&[("scope", scope)]);
    let words = async |session, scope| stage.pending(session, &asked(scope)).await.scopes.to_string();
    assert_eq!(words(&ada, None).await, "read");
    assert_eq!(words(&ada, Some("read offline_access")).await, "read");
    assert_eq!(words(&ada, Some("write approve")).await, "read write");
    assert_eq!(words(&lea, Some("write approve")).await, "read write approve");
    for unknown in ["read openid", "admin", "everything"] {
        let Err(AuthorizeError::Redirect(to)) = stage.server.authorize(&asked(Some(unknown))).await else {
            panic!("{unknown}")
        };
        assert_eq!(parameter(&to, "error").unwrap(), "invalid_scope");
        assert_eq!(parameter(&to, "state").unwrap(), "st&te");
        assert_eq!(parameter(&to, "iss").unwrap(), ISSUER);
    }
    let question = stage.server.authorize(&asked(Some("approve"))).await.unwrap();
    let refused = stage.server.resolve(&question, &ada).await.unwrap_err();
    let AuthorizeError::Redirect(to) = refused else { panic!("{refused:?}") };
    assert_eq!(parameter(&to, "error").unwrap(), "access_denied");
    // A narrower access token, and none wider.
    let code = stage.code(&ada, &query(&[])).await;
    let answer = stage.exchange(&code).await.unwrap();
    let form = |scope| {
        [
            ("grant_type", "refresh_token"),
            ("client_id", WEB.0),
            ("refresh_token", answer.refresh.reveal()),
            ("scope", scope),
        ]
    };
    for wider in ["read approve", "admin", "nothing"] {
        assert_eq!(stage.token(&form(wider)).await.unwrap_err().error, "invalid_scope", "{wider}");
    }
    let narrow = stage.token(&form("read")).await.unwrap();
    let caller = stage.admitted(narrow.access.reveal()).await.unwrap().caller;
    assert_eq!((narrow.scopes, caller.scopes), (Scope::Read.into(), Scopes::parse("read")));
    assert_eq!(stage.refresh(narrow.refresh.reveal()).await.unwrap().scopes, Scope::Write.into());
}

async fn consent_is_remembered_for_the_same_request_alone(stage: Stage) {
    let ada = stage.log_in("ada").await;
    stage.roles.facts.lock().unwrap().insert("bob".to_owned(), facts("bob", &[], |_| {}));
    let bob = stage.log_in("bob").await;
    let needs = async |session, query: &[(String, String)]| {
        let pending = stage.pending(session, query).await;
        stage.server.needs_consent(&pending, session).await.unwrap()
    };
    assert!(needs(&ada, &query(&[])).await);
    stage.code(&ada, &query(&[])).await;
    assert!(!needs(&ada, &query(&[])).await);
    let elsewhere = stage.log_in("ada").await;
    assert!(!needs(&elsewhere, &query(&[("state", None)])).await, "in another browser too");
    assert!(needs(&bob, &query(&[])).await, "another person");
    assert!(needs(&ada, &query(&[("scope", Some("read"))])).await, "another scope");
    let claude = [("client_id", Some(CLAUDE)), ("redirect_uri", Some("https://claude.ai/cb"))];
    assert!(needs(&ada, &query(&claude)).await, "another client");
    let connector =
        query(&[("client_id", Some("native-app")), ("redirect_uri", Some("com.example.app:/cb"))]);
    stage.code(&ada, &connector).await;
    assert!(needs(&ada, &connector).await, "any program may have the scheme");
    // Whatever listens there would be the client.
    let loopback = [("client_id", Some(CLAUDE)), ("redirect_uri", Some("http://localhost:5000/callback"))];
    stage.code(&ada, &query(&loopback)).await;
    assert!(needs(&ada, &query(&loopback)).await);
    stage.later(TimeDelta::days(91));
    let later = stage.log_in("ada").await;
    assert!(needs(&later, &query(&[])).await);
}

async fn clients_register_where_it_is_on(stage: Stage) {
    let register =
        async |body: serde_json::Value| stage.server.register(body.to_string().as_bytes(), HERE).await;
    let uri = "http://127.0.0.1/cb";
    let answer = register(json!({ "client_name": "A\u{202e}pp\n", "redirect_uris": [uri] })).await.unwrap();
    assert_eq!(
        (&answer["client_name"], &answer["token_endpoint_auth_method"]),
        (&json!("App"), &json!("none"))
    );
    let id = answer["client_id"].as_str().unwrap().to_owned();
    let ada = stage.log_in("ada").await;
    let here = [("client_id", Some(id.as_str())), ("redirect_uri", Some("http://127.0.0.1:4711/cb"))];
    let pending = stage.pending(&ada, &query(&here)).await;
    assert_eq!((pending.kind, pending.is_loopback), (ClientKind::Registered, true));
    let elsewhere = [("client_id", Some(id.as_str())), ("redirect_uri", Some(WEB.1))];
    assert!(matches!(stage.server.authorize(&query(&elsewhere)).await, Err(AuthorizeError::Page(_))));
    // Anybody can register a redirect URI: before login no link of ours leads there.
    let faulty = [here[0], here[1], ("scope", Some("everything"))];
    let refused = stage.server.authorize(&query(&faulty)).await.unwrap_err();
    assert!(matches!(refused, AuthorizeError::Page(words) if words.contains("scope")), "{refused:?}");
    for (redirects, error) in [
        (json!([]), "invalid_redirect_uri"),
        (json!(["http://evil.example/"]), "invalid_redirect_uri"),
        (json!(["javascript:alert(1)"]), "invalid_redirect_uri"),
        (json!(["cursor://x"]), "invalid_redirect_uri"),
        (json!("https://a.example/"), "invalid_client_metadata"),
    ] {
        assert_eq!(register(json!({ "redirect_uris": redirects })).await.unwrap_err().error, error);
    }
    // One that nobody used is forgotten; one that was used stays.
    let code = stage.code(&ada, &query(&here)).await;
    let mut form = exchange(&code);
    form[1].1 = &id;
    form[2].1 = "http://127.0.0.1:4711/cb";
    stage.token(&form).await.unwrap();
    let unused = register(json!({ "redirect_uris": [uri] })).await.unwrap();
    stage.later(TimeDelta::hours(25));
    let is_known = async |id: &str| {
        let here = [("client_id", Some(id)), ("redirect_uri", Some("http://127.0.0.1:4711/cb"))];
        stage.server.authorize(&query(&here)).await.is_ok()
    };
    assert!(is_known(&id).await && !is_known(unused["client_id"].as_str().unwrap()).await);
    for _ in 0..10 {
        register(json!({ "redirect_uris": [uri] })).await.unwrap();
    }
    assert_eq!(register(json!({ "redirect_uris": [uri] })).await.unwrap_err().status, 429);
}

#[tokio::test]
async fn nobody_registers_where_it_is_off() {
    let stage = Stage::in_memory(settings());
    let body = json!({ "redirect_uris": [WEB.1] }).to_string();
    assert_eq!(stage.server.register(body.as_bytes(), HERE).await.unwrap_err().status, 403);
    assert!(stage.server.metadata().get("registration_endpoint").is_none());
}

#[tokio::test]
async fn the_store_is_not_filled_by_registrations() {
    let stage = Stage::in_memory(Settings { registration: true, ..settings() });
    let body = json!({ "redirect_uris": [WEB.1] }).to_string();
    let mut outcomes = Vec::new();
    for number in 0..1_100_u32 {
        let address = std::net::Ipv4Addr::from(0x0a00_0000 + number).into();
        outcomes.push(stage.server.register(body.as_bytes(), address).await.is_ok());
    }
    assert_eq!(outcomes.iter().filter(|registered| **registered).count(), 1_000);
    stage.later(TimeDelta::hours(25));
    stage.store.sweep(chrono::Utc::now() + TimeDelta::hours(25)).await.unwrap();
    assert!(stage.server.register(body.as_bytes(), HERE).await.is_ok());
}

async fn a_client_with_a_secret_has_to_know_it(stage: Stage) {
    let ada = stage.log_in("ada").await;
    let uri = "https://secretive.example/cb";
    let asked = query(&[("client_id", Some("secretive")), ("redirect_uri", Some(uri))]);
    let code = stage.code(&ada, &asked).await;
    let attempt = async |id: Option<&str>, secret: Option<&str>, header: Option<&str>| {
        let mut form: Vec<(&str, &str)> =
            exchange(&code).into_iter().filter(|(name, _)| *name != "client_id").collect();
        form[1].1 = uri;
        form.extend(id.map(|id| ("client_id", id)));
        form.extend(secret.map(|secret| ("client_secret", secret)));
        let header = header.map(|pair| format!("Basic {}", STANDARD.encode(pair)));
        let request = TokenRequest { form: &pairs(&form), authorization: header.as_deref() };
        stage.server.token(request).await
    };
    for (id, secret, header) in [
        (Some("secretive"), None, None),
        (Some("secretive"), Some("s cret"), None),
        (None, None, Some("secretive:s+cret")),
        (None, None, Some("secretive:")),
        (None, None, Some("web-app:s%2Bcret")),
        (None, Some("s+cret"), None),
        (Some("unknown"), Some("s+cret"), None),
        (Some(CLAUDE), Some("s+cret"), None),
        (Some(WEB.0), Some("s+cret"), None),
    ] {
        let refused = attempt(id, secret, header).await.unwrap_err();
        assert_eq!((refused.status, refused.error), (401, "invalid_client"), "{id:?} {secret:?} {header:?}");
        assert_eq!(refused.basic, header.is_some());
    }
    let twice = attempt(None, Some("s+cret"), Some("secretive:s%2Bcret")).await.unwrap_err();
    assert_eq!(twice.error, "invalid_request");
    let others = attempt(Some(WEB.0), None, None).await.unwrap_err();
    assert_eq!(others.error, "invalid_grant", "the code is another client's");
    let answer = attempt(Some("secretive"), None, Some("secretive:s%2Bcret")).await.unwrap();
    let form = |secret| {
        [
            ("grant_type", "refresh_token"),
            ("client_id", "secretive"),
            ("client_secret", secret),
            ("refresh_token", answer.refresh.reveal()),
        ]
    };
    assert_eq!(stage.token(&form("guess")).await.unwrap_err().error, "invalid_client");
    stage.token(&form("s+cret")).await.unwrap();
}

async fn claude_code_comes_with_any_port(stage: Stage) {
    let ada = stage.log_in("ada").await;
    let uri = "http://localhost:51234/callback";
    let asked = query(&[("client_id", Some(CLAUDE)), ("redirect_uri", Some(uri)), ("scope", None)]);
    let question = stage.server.authorize(&asked).await.unwrap();
    assert_eq!(stage.documents.fetched.load(Ordering::Relaxed), 0, "nothing is fetched before login");
    let pending = stage.server.resolve(&question, &ada).await.unwrap();
    assert_eq!(pending.client_host.as_deref(), Some("claude.ai"));
    assert!(pending.is_loopback && stage.server.needs_consent(&pending, &ada).await.unwrap());
    let to = stage.server.approve(&pending, &ada).await.unwrap();
    assert!(to.starts_with("http://localhost:51234/callback?code="), "{to}");
    let form = |uri| {
        [
            ("grant_type", "authorization_code"),
            ("client_id", CLAUDE),
            ("redirect_uri", uri),
            ("code_verifier", VERIFIER),
            ("resource", RESOURCE),
        ]
    };
    let code = parameter(&to, "code").unwrap();
    let mut other_port = form("http://localhost:51235/callback").to_vec();
    other_port.push(("code", &code));
    assert_eq!(
        stage.token(&other_port).await.unwrap_err().error,
        "invalid_grant",
        "the very one of the request"
    );
    let mut same = form(uri).to_vec();
    same.push(("code", &code));
    stage.token(&same).await.unwrap();
    for uri in
        ["http://localhost:1/other", "http://127.0.0.1.evil.example/callback", "https://evil.example/cb"]
    {
        let asked =
            stage.server.authorize(&query(&[("client_id", Some(CLAUDE)), ("redirect_uri", Some(uri))])).await;
        let refused = match asked {
            Ok(asked) => stage.server.resolve(&asked, &ada).await.map(drop),
            Err(error) => Err(error),
        };
        assert!(matches!(refused, Err(AuthorizeError::Page(_))), "{uri}");
    }
    assert_eq!(stage.documents.fetched.load(Ordering::Relaxed), 1, "the document is kept");
    stage.later(TimeDelta::minutes(6));
    stage.pending(&ada, &asked).await;
    assert_eq!(stage.documents.fetched.load(Ordering::Relaxed), 2, "and asked for again");
}

/// ChatGPT has a client id and a callback for each connector.
#[tokio::test]
async fn each_of_chatgpt_s_connectors_is_a_client_of_its_own() {
    let stage = Stage::in_memory(settings());
    let ada = stage.log_in("ada").await;
    for connector in ["a1", "b2"] {
        let id = format!("https://chatgpt.com/oauth/{connector}/client.json");
        let callback = format!("https://chatgpt.com/connector/oauth/{connector}");
        let body = json!({ "client_id": id, "client_name": "ChatGPT", "redirect_uris": [callback], "token_endpoint_auth_method": "none" });
        let document = pgwarden::auth::server::Fetched { body: body.to_string().into_bytes(), max_age: None };
        stage.documents.of.lock().unwrap().insert(id.clone(), document);
        stage.code(&ada, &query(&[("client_id", Some(&id)), ("redirect_uri", Some(&callback))])).await;
        let other = [
            ("client_id", Some(id.as_str())),
            ("redirect_uri", Some("https://chatgpt.com/connector/oauth/zz")),
        ];
        let asked = stage.server.authorize(&query(&other)).await.unwrap();
        assert!(matches!(stage.server.resolve(&asked, &ada).await, Err(AuthorizeError::Page(_))));
    }
}

#[tokio::test]
async fn the_metadata_says_what_clients_must_find() {
    let stage = Stage::in_memory(Settings { registration: true, ..settings() });
    let metadata = stage.server.metadata();
    for (key, value) in [
        ("issuer", json!(ISSUER)),
        ("authorization_endpoint", json!("https://db.example/authorize")),
        ("token_endpoint", json!("https://db.example/token")),
        ("revocation_endpoint", json!("https://db.example/revoke")),
        ("registration_endpoint", json!("https://db.example/register")),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("response_types_supported", json!(["code"])),
        ("grant_types_supported", json!(["authorization_code", "refresh_token"])),
        (
            "token_endpoint_auth_methods_supported",
            json!(["none", "client_secret_basic", "client_secret_post"]),
        ),
        ("client_id_metadata_document_supported", json!(true)),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("scopes_supported", json!(["read", "write", "approve"])),
    ] {
        assert_eq!(metadata[key], value, "{key}");
    }
}
