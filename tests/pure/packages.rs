//! The packages say the same: one version, one name, one way to start. Their own tools are in `tests/packages/run`.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::Url;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const NAME: &str = "io.github.pgwarden/pgwarden";

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn object(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

/// The link of docs/INSTALL.md that starts so.
fn link(start: &str) -> Url {
    let page = text("docs/INSTALL.md");
    Url::parse(page.lines().find(|line| line.starts_with(start)).unwrap()).unwrap()
}

#[test]
fn every_package_has_the_version_of_the_crate() {
    for path in [
        "packages/server.json",
        "packages/mcpb/manifest.json",
        "packages/claude-code/.claude-plugin/plugin.json",
        "packages/gemini/gemini-extension.json",
    ] {
        assert_eq!(object(path)["version"], VERSION, "{path}");
    }
    let image = format!("ghcr.io/pgwarden/pgwarden:{VERSION}");
    assert_eq!(object("packages/server.json")["packages"][0]["identifier"], *image);
    assert!(text("docs/INSTALL.md").contains(&format!("{image} ")));
    assert!(text("packages/kubernetes/kustomization.yaml").contains(&format!("newTag: {VERSION}\n")));
    assert!(text("Cargo.toml").contains(&format!("\nversion = \"{VERSION}\"\n")), "the release looks for it");
}

#[test]
fn the_image_carries_the_name_that_the_registry_looks_for() {
    assert_eq!(object("packages/server.json")["name"], NAME);
    assert!(text("Dockerfile").contains(&format!("io.modelcontextprotocol.server.name=\"{NAME}\"")));
}

#[test]
fn every_package_starts_the_program_alike_and_takes_the_database_as_a_secret() {
    let words = json!(["serve", "--stdio"]);
    let mcpb = object("packages/mcpb/manifest.json");
    let plugin = object("packages/claude-code/.claude-plugin/plugin.json");
    let servers = object("packages/claude-code/.mcp.json");
    let gemini = object("packages/gemini/gemini-extension.json");
    let server = object("packages/server.json");
    for started in
        [&mcpb["server"]["mcp_config"], &servers["mcpServers"]["pgwarden"], &gemini["mcpServers"]["pgwarden"]]
    {
        assert_eq!(started["args"], words);
        let variables: Vec<&String> = started["env"].as_object().unwrap().keys().collect();
        assert_eq!(variables, ["PGWARDEN_DATABASE", "PGWARDEN_POLICY"]);
    }
    for asked in [&mcpb["user_config"]["database"], &plugin["userConfig"]["database"]] {
        assert_eq!((&asked["sensitive"], &asked["required"]), (&json!(true), &json!(true)));
    }
    assert_eq!(gemini["settings"][0]["envVar"], "PGWARDEN_DATABASE");
    assert_eq!(gemini["settings"][0]["sensitive"], true);
    let variable = &server["packages"][0]["environmentVariables"][0];
    assert_eq!((&variable["name"], &variable["isSecret"]), (&json!("PGWARDEN_DATABASE"), &json!(true)));
}

#[test]
fn the_link_for_vs_code_asks_for_the_database_as_a_secret() {
    let link = link("vscode:");
    assert_eq!(link.path(), "mcp/install");
    let (written, _) = url::form_urlencoded::parse(link.query().unwrap().as_bytes()).next().unwrap();
    let added: Value = serde_json::from_str(&written).unwrap();
    assert_eq!((&added["name"], &added["command"]), (&json!("pgwarden"), &json!("pgwarden")));
    assert_eq!(added["args"], json!(["serve", "--stdio"]));
    assert_eq!(added["env"], json!({"PGWARDEN_DATABASE": "${input:PGWARDEN_DATABASE}"}));
    let described = &object("packages/server.json")["packages"][0]["environmentVariables"][0]["description"];
    let asked = json!({"type": "promptString", "id": "PGWARDEN_DATABASE", "description": described, "password": true});
    assert_eq!(added["inputs"], json!([asked]));
}

#[test]
fn the_link_for_cursor_carries_no_secret() {
    let link = link("cursor:");
    assert_eq!((link.host_str(), link.path()), (Some("anysphere.cursor-deeplink"), "/mcp/install"));
    let parts: Vec<(String, String)> = link.query_pairs().into_owned().collect();
    assert_eq!(parts[0], ("name".to_owned(), "pgwarden".to_owned()));
    assert_eq!(parts[1].0, "config");
    let added: Value = serde_json::from_slice(&STANDARD.decode(&parts[1].1).unwrap()).unwrap();
    let expected = json!({
        "command": "pgwarden",
        "args": ["serve", "--stdio"],
        "env": {"PGWARDEN_DATABASE": "${env:PGWARDEN_DATABASE}"},
    });
    assert_eq!(added, expected);
}
