//! Every step is told to the log, and no secret with it.

use std::io;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use pgwarden::auth::server::Settings;
use tracing_subscriber::fmt::MakeWriter;
use zeroize::Zeroizing;

use super::stage::{CLAUDE, HERE, PASSWORD, Stage, WEB, query, settings};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// On one thread, so that the log hears all of it.
#[tokio::test]
async fn each_step_is_told_without_a_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // With a single dispatcher, other threads, which have none, could settle that nobody hears a step.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(io::sink).finish());
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::callsite::rebuild_interest_cache();
    let stage = Stage::in_memory(Settings { keep_login: true, registration: true, ..settings() });
    let cookie = stage.server.login("ada", Zeroizing::new(PASSWORD.to_owned()), HERE).await.unwrap();
    for _ in 0..6 {
        let wrong = Zeroizing::new("canary-wrong".to_owned());
        assert!(stage.server.login("bob", wrong, HERE).await.is_err());
    }
    let session = stage.server.sessions().find(cookie.reveal()).await.unwrap().unwrap();
    let pending = stage.pending(&session, &query(&[])).await;
    stage.server.deny(&pending, &session);
    let code = stage.code(&session, &query(&[])).await;
    let tokens = stage.exchange(&code).await.unwrap();
    let next = stage.refresh(tokens.refresh.reveal()).await.unwrap();
    stage.admitted(next.access.reveal()).await.unwrap();
    stage.revoke(WEB.0, next.access.reveal()).await.unwrap();
    stage.later(TimeDelta::seconds(31));
    stage.refresh(tokens.refresh.reveal()).await.unwrap_err();
    stage.documents.of.lock().unwrap().clear();
    let claude = [("client_id", Some(CLAUDE)), ("redirect_uri", Some("https://claude.ai/cb"))];
    let asked = stage.server.authorize(&query(&claude)).await.unwrap();
    stage.server.resolve(&asked, &session).await.unwrap_err();
    let body = br#"{"redirect_uris":["https://a.example/"]}"#;
    stage.server.register(body, HERE).await.unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for (step, message) in [
        ("login", "login"),
        ("login", "login refused"),
        ("consent", "consent"),
        ("consent", "consent refused"),
        ("code", "code"),
        ("token", "token"),
        ("refresh", "refresh"),
        ("reuse", "reuse refused"),
        ("revoke", "revoke"),
        ("client_fetch", "client_fetch refused"),
        ("register", "register"),
    ] {
        let is_told = |line: &str| {
            line.contains(&format!("\"message\":\"{message}\""))
                && line.contains(&format!("\"step\":\"{step}\""))
        };
        assert!(log.lines().any(is_told), "{message} in\n{log}");
    }
    assert!(
        log.contains("throttled") && log.contains(&HERE.to_string()) && log.contains("\"subject\":\"ada\"")
    );
    for secret in [
        PASSWORD,
        "canary-wrong",
        cookie.reveal(),
        &code,
        tokens.access.reveal(),
        tokens.refresh.reveal(),
        next.access.reveal(),
        next.refresh.reveal(),
    ] {
        assert!(!log.contains(secret.split_once('_').map_or(secret, |(_, bare)| bare)), "{log}");
    }
}
