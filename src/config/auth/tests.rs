//! `[auth]` and what of `[server]` it leans on.

use std::path::Path;
use std::time::Duration;

use crate::auth::Scope;
use crate::auth::external::Algorithm;
use crate::config::{AuthMethod, Config, read};

const PUBLIC: &str = "[server]\npublic_url = \"https://db.example\"\n";

fn parse(text: &str) -> Result<Config, String> {
    read(text, Path::new("conf/pgwarden.toml"), &|_| None).map_err(|error| error.to_string())
}

fn provider(keys: &str) -> Result<Config, String> {
    parse(&format!("{PUBLIC}[auth.external.corp]\n{keys}\n"))
}

#[test]
fn every_key_of_a_provider_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("introspection"), "s3cret\n").unwrap();
    std::fs::write(folder.path().join("login"), "l0gin\n").unwrap();
    let text = format!(
        "{PUBLIC}{}",
        r#"
        [auth]
        methods = ["external", "tokens"]
        tokens_file = "tokens"
        [auth.external.corp]
        issuer = "https://id.example/"
        audience = ["a", "b"]
        algorithms = ["ES256", "PS256"]
        jwks_uri = "https://id.example/keys"
        scope_claim = "roles"
        scope_prefix = "api://pg/"
        scopes = { "Data.Change" = "write" }
        subject_claim = "oid"
        claims = { role = "realm_access.roles" }
        clock_skew_seconds = 5
        ca_file = "ca.pem"
        client_id = "web"
        client_secret_file = "login"
        login_scopes = ["profile"]
        introspection = { url = "https://id.example/i", client_id = "pg", client_secret_file = "introspection" }
        "#
    );
    let config = read(&text, &folder.path().join("pgwarden.toml"), &|_| None).unwrap();
    assert!(config.auth.methods.iter().eq([&AuthMethod::Tokens, &AuthMethod::External]));
    let settings = config.auth.external[0].with_secrets().unwrap();
    assert_eq!((settings.name.as_str(), settings.issuer.as_str()), ("corp", "https://id.example/"));
    assert_eq!(settings.audience, ["a", "b"]);
    assert!(settings.algorithms.iter().eq([&Algorithm::Ps256, &Algorithm::Es256]));
    assert_eq!(settings.jwks_uri.as_deref(), Some("https://id.example/keys"));
    assert_eq!(settings.scope_claims, ["roles"]);
    assert_eq!((settings.scope_prefix.as_str(), settings.scopes["Data.Change"]), ("api://pg/", Scope::Write));
    assert_eq!((settings.subject_claim.as_str(), settings.skew), ("oid", Duration::from_secs(5)));
    assert_eq!(settings.claims["role"], "realm_access.roles");
    assert_eq!(settings.ca_file.as_deref(), Some(folder.path().join("ca.pem").as_path()));
    let login = settings.login.as_ref().unwrap();
    assert_eq!((login.client_id.as_str(), login.scopes.as_slice()), ("web", &["profile".to_owned()][..]));
    assert_eq!(login.client_secret.as_ref().unwrap().reveal().as_str(), "l0gin");
    let asked = settings.introspection.as_ref().unwrap();
    assert_eq!((asked.url.as_str(), asked.client.client_id.as_str()), ("https://id.example/i", "pg"));
    assert_eq!(asked.client.client_secret.reveal().as_str(), "s3cret");
    let shown = format!("{settings:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("l0gin"), "{shown}");

    std::fs::write(folder.path().join("login"), " \n").unwrap();
    let empty = config.auth.external[0].with_secrets().unwrap_err().to_string();
    assert!(empty.ends_with("login: is empty, a client secret was expected"), "{empty}");
}

#[test]
fn a_provider_needs_its_issuer_alone() {
    let config = provider("issuer = \"https://id.example\"\nclaims = [\"tenant\", \"groups.0\"]").unwrap();
    assert!(config.auth.methods.iter().eq([&AuthMethod::External]));
    let settings = config.auth.external[0].with_secrets().unwrap();
    assert_eq!(settings.audience, ["https://db.example/mcp"]);
    assert_eq!(settings.algorithms.len(), Algorithm::ALL.len());
    assert_eq!(settings.claims["groups.0"], "groups.0");
    assert!(settings.introspection.is_none() && settings.login.is_none());
    provider("issuer = \"http://127.0.0.1:8080/realms/x\"").unwrap();
}

#[test]
fn a_faulty_provider_is_fatal_with_its_place() {
    let issuer = "issuer = \"https://id.example\"\n";
    for (keys, expected) in [
        ("", "`auth.external.corp` has no `issuer`"),
        ("issuer = \"http://id.example\"", "4:10: `issuer` is no https URL\nhint: http is for loopback only"),
        ("issuer = \"id.example\"", "`issuer` is no https URL"),
        ("jwks_uri = \"http://id.example\"", "5:12: `jwks_uri` is no https URL"),
        (
            "algorithms = [\"HS256\"]",
            "5:15: `algorithms` has `HS256`, which is not taken\nhint: known are RS256",
        ),
        ("algorithms = [\"none\"]", "`algorithms` has `none`, which is not taken"),
        ("audience = []", "`audience` names nobody"),
        ("scope_prefix = \"a b\"", "`scope_prefix` has characters that no scope has"),
        ("scopes = { x = \"root\" }", "`scopes` has the unknown scope `root`"),
        ("scopes = { \"a\\\"b\" = \"read\" }", "`scopes` has characters that no scope has"),
        ("clock_skew_seconds = 301", "`clock_skew_seconds` is out of range: 0 to 300"),
        ("client_secret = \"hunter2\"", "unknown key `client_secret` in `[auth.external.corp]`"),
        (
            "introspection = { url = \"https://id.example\", client_id = \"x\" }",
            "`auth.external.corp.introspection` has no `client_secret_file`",
        ),
    ] {
        let text = if keys.contains("issuer") || keys.is_empty() {
            keys.to_owned()
        } else {
            format!("{issuer}{keys}")
        };
        let refusal = provider(&text).unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
        assert!(!refusal.contains("hunter2"));
    }
    let refusal = parse("[auth.external.corp]\nissuer = \"https://id.example\"\n").unwrap_err();
    assert!(refusal.contains("2:10: `issuer` needs `public_url` in `[server]`"), "{refusal}");
}

#[test]
fn methods_are_what_is_configured() {
    for (text, expected) in [
        ("[auth]\nmethods = []", "2:11: `methods` is empty"),
        ("[auth]\nmethods = [\"none\", \"tokens\"]", "2:11: `methods` has `none` among others"),
        ("[auth]\nmethods = [\"external\"]", "2:11: `methods` has `external`, and there is no provider"),
        (
            "[auth]\nmethods = [\"tokens\"]\n[auth.external.corp]\nissuer = \"https://id.example\"",
            "`methods` lacks `external`, and `[auth.external]` has providers",
        ),
        ("[auth]\nmode = \"tokens\"", "unknown key `mode` in `[auth]`"),
    ] {
        let refusal = parse(&format!("{text}\n{PUBLIC}")).unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn the_server_s_place_on_the_network_is_read() {
    let config = parse(
        "[server]\npublic_url = \"https://db.example\"\ntrusted_proxies = [\"10.0.0.0/8\", \"127.0.0.1\"]\n\
         plain_http_from = [\"fd00::/8\"]\n[server.tls]\ncert_file = \"c.pem\"\nkey_file = \"/k.pem\"\n",
    )
    .unwrap();
    let server = &config.server;
    assert_eq!(server.public_url.as_ref().unwrap().resource(), "https://db.example/mcp");
    let proxies: Vec<String> = server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "127.0.0.1/32"]);
    let files = server.tls.as_ref().unwrap();
    assert_eq!(
        (files.cert_file.as_path(), files.key_file.as_path()),
        (Path::new("conf/c.pem"), Path::new("/k.pem"))
    );
    for (text, expected) in [
        ("[server]\npublic_url = \"http://db.example\"", "2:14: `public_url` is not https"),
        ("[server]\npublic_url = \"https://db.example/mcp\"", "`public_url` has more than a scheme, a host"),
        (
            "[server]\ntrusted_proxies = [\"proxy\"]",
            "2:20: `trusted_proxies` has `proxy`, which is no address",
        ),
        ("[server.tls]\ncert_file = \"c.pem\"", "`server.tls` has no `key_file`"),
    ] {
        let refusal = parse(text).unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn what_the_page_on_authentication_shows_can_be_configured() {
    let page = include_str!("../../../docs/AUTH.md");
    let blocks: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 9);
    for block in &blocks {
        parse(block).unwrap();
    }
    // What it calls defaults are the defaults.
    let defaults = parse(blocks[2]).unwrap();
    let bare = parse(&format!("{PUBLIC}[auth.external.corp]\nissuer = \"https://id.example\"\n")).unwrap();
    assert_eq!(defaults.auth, bare.auth);
}
