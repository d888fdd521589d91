//! The JSON Schema of saved queries and the grammar of their files are the same.

use std::fs;

use pgwarden::gateway::SavedQueries;
use pgwarden::mcp::is_built_in;

use super::policy_schema::{Schema, keys_of_schema, keys_of_source};

const SCHEMA: &str = "policies/queries.schema.json";

fn parse(text: &str) -> Result<SavedQueries, String> {
    SavedQueries::parse(text, "q.toml", is_built_in).map_err(|fault| fault.to_string())
}

#[test]
fn every_key_of_the_grammar_is_in_the_schema_and_the_other_way_round() {
    let tables = &[("Document", ""), ("Query", "query"), ("Parameter", "parameter")][..];
    let source = "src/gateway/saved/document.rs";
    let denied = fs::read_to_string(source).unwrap().matches("#[serde(deny_unknown_fields)]").count();
    assert_eq!(denied, tables.len());
    let expected = keys_of_source(source, tables);
    assert_eq!(keys_of_schema(&Schema::read(SCHEMA).0, tables), expected);
    assert!(expected.len() >= 15, "{expected:?}");
}

#[test]
fn the_demo_s_queries_can_be_read() {
    let text = fs::read_to_string("policies/demo.queries.toml").unwrap();
    let queries = parse(&text).unwrap().queries;
    let names: Vec<&str> = queries.iter().map(|query| query.name.as_str()).collect();
    assert_eq!(names, ["revenue_by_category", "late_deliveries", "orders_of_customer"]);
}

#[test]
fn the_example_in_the_documentation_can_be_read() {
    let text = fs::read_to_string("docs/SAVED-QUERIES.md").unwrap();
    let example = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(Schema::read(SCHEMA).accepts(example));
    assert_eq!(parse(example).unwrap().queries.len(), 1);
    for scalar in ["text", "integer", "bigint", "numeric", "boolean", "date", "timestamptz", "uuid"] {
        assert!(text.contains(&format!("| `{scalar}` |")), "{scalar}");
    }
}

#[test]
fn what_is_wrong_is_refused_by_the_schema_and_by_the_grammar() {
    let schema = Schema::read(SCHEMA);
    let query = |more: &str| {
        format!(
            "[[query]]\nname = \"some_name\"\ndescription = \"What it is good for.\"\nsql = \"SELECT 1\"\n{more}\n"
        )
    };
    let parameter = |more: &str| query(&format!("[[query.parameter]]\n{more}"));
    for text in [
        String::new(),
        query(""),
        query("limit = 1\nnotes = \"x\"\nshow_sql = true"),
        query("parameter = [{ name = \"a\", type = \"uuid\" }]"),
        parameter("name = \"a\"\ntype = \"date\"\nmin = 2026-01-01\nrequired = false"),
        parameter("name = \"a\"\ntype = \"text\"\nlength = 9\none_of = [\"b\"]\ndefault = \"b\""),
    ] {
        assert!(schema.accepts(&text), "the schema refuses {text}");
        parse(&text).unwrap();
    }
    for text in [
        "[query]\nname = \"a\"".to_owned(),
        "[[querys]]".to_owned(),
        query("").replace("some_name", "Some"),
        query("").replace("some_name", "a"),
        query("").replace("sql = ", "text = "),
        query("limit = 0"),
        query("limit = \"1\""),
        query("show_sql = \"yes\""),
        query("parameters = []"),
        parameter("name = \"a\""),
        parameter("type = \"text\""),
        parameter("name = \"A\"\ntype = \"text\""),
        parameter("name = \"a\"\ntype = \"float8\""),
        parameter("name = \"a\"\ntype = \"text\"\nlength = 0"),
        parameter("name = \"a\"\ntype = \"text\"\none_of = []"),
        parameter("name = \"a\"\ntype = \"text\"\nrequired = 1"),
        parameter("name = \"a\"\ntype = \"integer\"\nminimum = 1"),
    ] {
        assert!(!schema.accepts(&text), "the schema takes {text}");
        assert!(parse(&text).is_err(), "the grammar takes {text}");
    }
}

#[test]
fn no_saved_query_has_the_name_of_another_tool() {
    for tool in super::mcp_wire::tools().into_iter().chain(["run_saved_query"]) {
        let text = format!(
            "[[query]]\nname = \"{tool}\"\ndescription = \"What it is good for.\"\nsql = \"SELECT 1\"\n"
        );
        assert_eq!(
            parse(&text).unwrap_err(),
            format!("q.toml:2:8: `{tool}` is another tool: choose another name")
        );
    }
}
