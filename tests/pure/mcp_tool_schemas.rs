//! The rules that keep a tool usable by every client, as a linter over the tools as they are listed. One bad schema can
//! fail a model's whole request.

use pgwarden::mcp::Settings;
use serde_json::{Value, json};

use super::mcp_wire::{StdioPeer, gateway_of, initialize, request};

/// Words that some clients do not know, or refuse.
const FORBIDDEN: [&str; 15] = [
    "$ref",
    "$defs",
    "$schema",
    "$id",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "if",
    "const",
    "patternProperties",
    "prefixItems",
    "format",
    "nullable",
    "default",
];
const TYPES: [&str; 5] = ["string", "integer", "boolean", "array", "object"];
const HINTS: [&str; 4] = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];

pub fn lint(tool: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut expect = |good: bool, what: &str| {
        if !good {
            faults.push(what.to_owned());
        }
    };
    let name = tool["name"].as_str().unwrap_or_default();
    expect(is_name(name, 3, 32), "the name");
    expect(tool["title"].is_string() && tool["annotations"]["title"].is_string(), "no title");
    for hint in HINTS {
        expect(tool["annotations"][hint].is_boolean(), &format!("{hint} is not said"));
    }
    let description = tool["description"].as_str().unwrap_or_default();
    expect((20..1024).contains(&description.len()), "the description's length");
    for order in ["always", "you must", "never", "important", "ignore"] {
        expect(
            !description.to_lowercase().contains(order),
            &format!("the description gives orders: {order}"),
        );
    }
    expect(name != "query" || description.contains("PostgreSQL SQL"), "the language is not named");
    faults.extend(lint_input(&tool["inputSchema"]));
    faults.extend(lint_output(&tool["outputSchema"]));
    faults
}

fn lint_input(schema: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let keys: Vec<&String> = schema.as_object().map(|root| root.keys().collect()).unwrap_or_default();
    if keys != ["type", "properties", "required", "additionalProperties"] {
        faults.push(format!("the root has {keys:?}"));
    }
    if schema["type"] != "object" || schema["additionalProperties"] != json!(false) {
        faults.push("the root is not a closed object".to_owned());
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if schema["properties"].get(required.as_str().unwrap_or_default()).is_none() {
            faults.push(format!("{required} is required and not there"));
        }
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if !is_name(name, 1, 64) {
            faults.push(format!("the property name `{name}`"));
        }
        if !property["description"].is_string() {
            faults.push(format!("`{name}` has no description"));
        }
        faults.extend(lint_node(property, 1).into_iter().map(|fault| format!("`{name}`: {fault}")));
    }
    faults
}

/// The root is an object; the cells of a row may be anything.
fn lint_output(schema: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if schema["type"] != "object" || !schema["properties"].is_object() {
        faults.push("the output is not an object".to_owned());
    }
    faults.extend(forbidden_words(schema));
    faults
}

fn lint_node(node: &Value, depth: usize) -> Vec<String> {
    let mut faults = forbidden_words(node);
    if !node["type"].as_str().is_some_and(|name| TYPES.contains(&name)) {
        faults.push(format!("the type {}", node["type"]));
    }
    if depth > 2 {
        faults.push("nested deeper than two".to_owned());
    }
    if node["type"] == "array" {
        match node.get("items") {
            Some(items) if items.is_object() => faults.extend(lint_node(items, depth + 1)),
            _ => faults.push("an array without items".to_owned()),
        }
    }
    for property in node["properties"].as_object().into_iter().flat_map(|all| all.values()) {
        faults.extend(lint_node(property, depth + 1));
    }
    if let Some(words) = node.get("enum")
        && (node["type"] != "string" || !words.as_array().is_some_and(|all| all.iter().all(Value::is_string)))
    {
        faults.push("an enum of something else than strings".to_owned());
    }
    faults
}

/// Keys of schema nodes; not names of properties.
fn forbidden_words(node: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (key, value) in node.as_object().into_iter().flatten() {
        if FORBIDDEN.contains(&key.as_str()) {
            faults.push(format!("the word {key}"));
        }
        match key.as_str() {
            "properties" => {
                faults.extend(
                    value.as_object().into_iter().flat_map(|all| all.values()).flat_map(forbidden_words),
                );
            }
            "items" => faults.extend(forbidden_words(value)),
            _ => {}
        }
    }
    faults
}

fn is_name(name: &str, least: usize, most: usize) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (least..=most).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
}

async fn listed(databases: &[&str]) -> (Value, Vec<Value>) {
    let mut peer = StdioPeer::with(gateway_of(databases), Settings::default());
    let opened = peer.ask(&initialize("2025-11-25")).await["result"].clone();
    let answer = peer.ask(&request(1, "tools/list", json!({}))).await;
    (opened, answer["result"]["tools"].as_array().unwrap().clone())
}

#[tokio::test]
async fn every_tool_obeys_the_rules_with_any_number_of_databases() {
    let many: Vec<String> = (0..100).map(|number| format!("database_{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for databases in [&["demo"][..], &["b", "a", "c"], &many, &[]] {
        let (_, tools) = listed(databases).await;
        assert!((1..=15).contains(&tools.len()));
        for tool in &tools {
            assert_eq!(lint(tool), [""; 0], "{tool:#}");
            let writes = tool["name"] == "execute";
            assert_eq!(tool["annotations"]["readOnlyHint"], !writes, "{tool:#}");
            assert_eq!(tool["annotations"]["destructiveHint"], writes, "{tool:#}");
        }
    }
}

#[tokio::test]
async fn the_list_is_the_same_in_any_order_of_configuration() {
    assert_eq!(listed(&["a", "b", "c"]).await, listed(&["c", "a", "b"]).await);
}

#[tokio::test]
async fn the_server_introduces_itself_briefly() {
    let (opened, _) = listed(&["demo"]).await;
    assert_eq!(opened["serverInfo"]["name"], "pgwarden");
    assert!((100..2048).contains(&opened["instructions"].as_str().unwrap().len()));
    assert!(opened["capabilities"]["tools"].is_object() && opened["capabilities"]["resources"].is_object());
    assert!(
        opened["capabilities"]["prompts"].is_object() && opened["capabilities"]["completions"].is_object()
    );
}

#[tokio::test]
async fn the_linter_sees_a_fault_of_each_kind() {
    let (_, tools) = listed(&["demo"]).await;
    let seeded = |pointer: &str, value: Value| {
        let mut tool = tools[0].clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        tool.pointer_mut(parent).unwrap()[key] = value;
        lint(&tool)
    };
    for (pointer, value) in [
        ("/name", json!("Query")),
        ("/name", json!("q")),
        ("/title", json!(null)),
        ("/annotations/openWorldHint", json!(null)),
        ("/description", json!("You must call this tool for PostgreSQL SQL.")),
        ("/description", json!("x".repeat(1024))),
        ("/description", json!("Runs a statement and returns its rows.")),
        ("/inputSchema/additionalProperties", json!(true)),
        ("/inputSchema/$schema", json!("x")),
        ("/inputSchema/required", json!(["absent"])),
        ("/inputSchema/properties/sql/type", json!(["string", "null"])),
        ("/inputSchema/properties/sql/format", json!("sql")),
        ("/inputSchema/properties/sql/default", json!("SELECT 1")),
        ("/inputSchema/properties/sql/anyOf", json!([])),
        ("/inputSchema/properties/sql/description", json!(null)),
        ("/inputSchema/properties/limit/enum", json!([1, 2])),
        ("/inputSchema/properties/params/items", json!(null)),
        ("/inputSchema/properties/params/items", json!({"type": "array", "items": {"type": "string"}})),
        ("/inputSchema/properties/Sql", json!({"type": "string", "description": "x"})),
        ("/outputSchema/type", json!("array")),
        ("/outputSchema/properties/rows/items/oneOf", json!([])),
    ] {
        assert!(!seeded(pointer, value.clone()).is_empty(), "{pointer} = {value}");
    }
}
