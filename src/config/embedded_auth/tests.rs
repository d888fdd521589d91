//! `[auth.embedded]`.

use std::path::Path;

use chrono::TimeDelta;

use crate::auth::Scope;
use crate::auth::server::{Lifetimes, TrustedHosts};
use crate::config::{AuthMethod, Config, EmbeddedAuth, read};

const PUBLIC: &str = "[server]\npublic_url = \"https://db.example\"\n";

fn parse(text: &str) -> Result<Config, String> {
    read(text, Path::new("conf/pgwarden.toml"), &|_| None).map_err(|error| error.to_string())
}

fn embedded(keys: &str) -> Result<EmbeddedAuth, String> {
    parse(&format!("{PUBLIC}[auth.embedded]\n{keys}\n")).map(|config| config.auth.embedded.unwrap())
}

#[test]
fn the_table_alone_turns_it_on() {
    let config = parse(&format!("{PUBLIC}[auth.embedded]")).unwrap();
    assert!(config.auth.methods.iter().eq([&AuthMethod::Embedded]));
    let embedded = config.auth.embedded.unwrap();
    let settings = embedded.settings;
    assert_eq!(
        (settings.issuer.as_str(), settings.resource.as_str()),
        ("https://db.example", "https://db.example/mcp")
    );
    assert_eq!(settings.trusted, TrustedHosts::default());
    assert_eq!((settings.scopes, settings.registration), (Scope::Write.into(), false));
    assert_eq!((settings.lifetimes, embedded.database), (Lifetimes::default(), None));
    assert!(parse(PUBLIC).unwrap().auth.embedded.is_none());
}

#[test]
fn every_key_is_read() {
    let embedded = embedded(&format!(
        r#"
        database = "main"
        ca_file = "ca.pem"
        trusted_hosts = ["claude.ai", "corp.example"]
        registration = true
        scopes = ["read"]
        scope_roles = {{ write = ["staff"], approve = ["lead", "dba"] }}
        [auth.embedded.lifetimes]
        access_minutes = 15
        refresh_days = 1
        grant_days = 2
        session_hours = 3
        session_idle_minutes = 4
        consent_days = 5
        [[auth.embedded.clients]]
        id = "app"
        name = "The app"
        redirect_uris = ["https://app.example/cb", "http://localhost/cb"]
        secret_sha256 = "{}"
        [[auth.embedded.clients]]
        id = "other"
        redirect_uris = ["com.example.app:/cb"]
        "#,
        "0f".repeat(32)
    ))
    .unwrap();
    assert_eq!(embedded.database.as_deref(), Some("main"));
    assert_eq!(embedded.ca_file.as_deref(), Some(Path::new("conf/ca.pem")));
    let settings = embedded.settings;
    assert!(settings.registration);
    assert!(settings.trusted.has("corp.example") && !settings.trusted.has("chatgpt.com"));
    assert!(!settings.trusted.has("x.corp.example"));
    assert_eq!(settings.scopes, Scope::Read.into());
    assert_eq!(settings.offered().to_string(), "read write approve");
    assert_eq!(settings.scope_roles[1], (Scope::Approve, vec!["lead".to_owned(), "dba".to_owned()]));
    assert_eq!(settings.lifetimes.access, TimeDelta::minutes(15));
    assert_eq!(settings.lifetimes.grant, TimeDelta::days(2));
    assert_eq!(settings.lifetimes.session_idle, TimeDelta::minutes(4));
    assert_eq!(
        (settings.clients[0].name.as_str(), settings.clients[0].secret_sha256),
        ("The app", Some([15; 32]))
    );
    assert_eq!((settings.clients[1].name.as_str(), settings.clients[1].secret_sha256), ("other", None));
}

#[test]
fn what_is_wrong_is_said_without_the_secret() {
    for (keys, words) in [
        ("registrations = true", "unknown key `registrations` in `[auth.embedded]`"),
        ("registration = \"yes\"", "`registration` is neither true nor false"),
        ("trusted_hosts = [\"https://claude.ai\"]", "has `https://claude.ai`, which is no host"),
        ("trusted_hosts = [\"*\", \"claude.ai\"]", "has `*`, which is no host"),
        ("trusted_hosts = [\"*.claude.ai\"]", "has `*.claude.ai`, which is no host"),
        ("scopes = [\"raed\"]", "names an unknown scope `raed`"),
        ("scope_roles = { wirte = [\"a\"] }", "unknown key `wirte`"),
        ("lifetimes = { access_minutes = 600 }", "`access_minutes` is out of range: 1 to 60"),
        ("clients = [{ id = \"a\" }]", "has no `redirect_uris`"),
        ("clients = [{ id = \"a\", redirect_uris = [] }]", "is empty"),
        ("clients = [{ id = \"a b\", redirect_uris = [\"https://a.b/\"] }]", "`id` is not 1 to 200"),
        ("clients = [{ id = \"https://a.b/c\", redirect_uris = [\"https://a.b/\"] }]", "`id` is a URL"),
        ("clients = [{ id = \"a\", redirect_uris = [\"http://a.b/\"] }]", "may not be redirected to"),
        (
            "clients = [{ id = \"a\", redirect_uris = [\"https://a.b/\"], secret_sha256 = \"hunter2\" }]",
            "`secret_sha256` is not 64 hexadecimal digits",
        ),
    ] {
        let error = embedded(keys).unwrap_err();
        assert!(error.contains(words) && !error.contains("hunter2"), "{keys}: {error}");
    }
    let error = parse("[auth.embedded]").unwrap_err();
    assert!(error.contains("needs a `public_url`"), "{error}");
    let error = parse(&format!("{PUBLIC}[auth]\nmethods = [\"embedded\"]")).unwrap_err();
    assert!(error.contains("there is no `[auth.embedded]`"), "{error}");
    let error = parse(&format!("{PUBLIC}[auth]\nmethods = [\"none\"]\n[auth.embedded]")).unwrap_err();
    assert!(error.contains("lacks `embedded`"), "{error}");
}

#[test]
fn what_the_page_shows_can_be_configured_and_is_the_default() {
    let page = include_str!("../../../docs/EMBEDDED-AUTH.md");
    let block = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let settings = parse(block).unwrap().auth.embedded.unwrap().settings;
    let bare = embedded("").unwrap().settings;
    assert_eq!((settings.trusted, settings.lifetimes), (bare.trusted, bare.lifetimes));
    assert_eq!((settings.scopes, settings.registration), (bare.scopes, bare.registration));
}
