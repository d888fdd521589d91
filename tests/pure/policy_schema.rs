//! The JSON Schemas in policies/ and the grammar of policies and cases are the same.
//!
//! `Schema` validates with the few words that our schemas use, and fails on any other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pgwarden::gateway::Notes;
use pgwarden::policy::{Cases, Policy, Sources};
use serde_json::Value;

pub struct Schema(pub Value);

impl Schema {
    pub fn read(file: &str) -> Self {
        Self(serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap())
    }

    pub fn accepts(&self, text: &str) -> bool {
        let value: Result<toml::Value, _> = toml::from_str(text);
        value.is_ok_and(|value| self.valid(&self.0, &serde_json::to_value(value).unwrap()))
    }

    fn valid(&self, schema: &Value, value: &Value) -> bool {
        let words = schema.as_object().unwrap();
        words.iter().all(|(word, wanted)| self.holds(word, wanted, schema, value))
    }

    fn holds(&self, word: &str, wanted: &Value, schema: &Value, value: &Value) -> bool {
        let count = |of: Option<usize>| of.is_none_or(|n| n >= wanted.as_u64().unwrap() as usize);
        let names = || wanted.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        match word {
            "$schema" | "title" | "description" | "$defs" => true,
            "$ref" => self.valid(self.0.pointer(&wanted.as_str().unwrap()[1..]).unwrap(), value),
            "type" => match wanted.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                other => panic!("type {other}"),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|n| n >= wanted.as_f64().unwrap()),
            "exclusiveMinimum" => value.as_f64().is_none_or(|n| n > wanted.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|n| n <= wanted.as_f64().unwrap()),
            "minItems" => count(value.as_array().map(Vec::len)),
            "minProperties" => count(value.as_object().map(serde_json::Map::len)),
            "maxProperties" => value.as_object().is_none_or(|o| o.len() <= wanted.as_u64().unwrap() as usize),
            "minLength" => count(value.as_str().map(|text| text.chars().count())),
            "maxLength" => {
                value.as_str().is_none_or(|text| text.chars().count() <= wanted.as_u64().unwrap() as usize)
            }
            "items" => value.as_array().is_none_or(|a| a.iter().all(|item| self.valid(wanted, item))),
            "required" => value.as_object().is_none_or(|o| names().all(|name| o.contains_key(name))),
            "properties" => value.as_object().is_none_or(|object| {
                wanted
                    .as_object()
                    .unwrap()
                    .iter()
                    .all(|(name, schema)| object.get(name).is_none_or(|value| self.valid(schema, value)))
            }),
            "additionalProperties" => value.as_object().is_none_or(|object| {
                let known = schema.get("properties").and_then(Value::as_object);
                let others = object.iter().filter(|(key, _)| !known.is_some_and(|k| k.contains_key(*key)));
                others.into_iter().all(|(_, value)| match wanted {
                    Value::Bool(more) => *more,
                    wanted => self.valid(wanted, value),
                })
            }),
            "anyOf" => wanted.as_array().unwrap().iter().any(|one| self.valid(one, value)),
            "oneOf" => wanted.as_array().unwrap().iter().filter(|one| self.valid(one, value)).count() == 1,
            // Names of saved queries and their parameters.
            "pattern" if wanted.as_str().unwrap().starts_with("^[a-z][a-z0-9_]{") => {
                let bounds = wanted.as_str().unwrap().rsplit(['{', '}']).nth(1).unwrap();
                let (least, most) = bounds.split_once(',').unwrap();
                let rest =
                    value.as_str().and_then(|text| text.strip_prefix(|c: char| c.is_ascii_lowercase()));
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                let sized = |n: usize| (least.parse().unwrap()..=most.parse().unwrap()).contains(&n);
                rest.is_some_and(|rest| sized(rest.len()) && rest.chars().all(plain))
            }
            // The only other pattern: a name of at least two parts.
            "pattern" => {
                assert_eq!(wanted, "^[^.]+(\\..+)+$");
                let parts = value.as_str().and_then(|text| text.split_once('.'));
                parts.is_some_and(|(schema, rest)| !schema.is_empty() && !rest.is_empty())
            }
            other => panic!("the schema has the word `{other}`, which is not known here"),
        }
    }
}

/// `(table, key, required)` of every struct in a source file, by the schema's names of the tables.
pub fn keys_of_source(file: &str, tables: &[(&str, &str)]) -> BTreeSet<(String, String, bool)> {
    let text = fs::read_to_string(file).unwrap();
    let mut keys = BTreeSet::new();
    for (name, table) in tables {
        let (_, rest) = text.split_once(&format!("struct {name} {{\n")).unwrap();
        let (body, _) = rest.split_once("\n}").unwrap();
        let (mut default, mut renamed) = (false, None);
        for line in body.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            if line.starts_with("#[") {
                default |= line.contains("default");
                renamed = line
                    .split_once("rename = \"")
                    .map(|(_, rest)| rest.split('"').next().unwrap())
                    .or(renamed);
                continue;
            }
            let (key, kind) = line.trim_start_matches("pub ").split_once(": ").unwrap();
            let required = !default && !kind.starts_with("Option<");
            keys.insert(((*table).to_owned(), renamed.unwrap_or(key).to_owned(), required));
            (default, renamed) = (false, None);
        }
    }
    keys
}

pub fn keys_of_schema(schema: &Value, tables: &[(&str, &str)]) -> BTreeSet<(String, String, bool)> {
    let mut keys = BTreeSet::new();
    for (_, table) in tables {
        let object = if table.is_empty() { schema } else { &schema["$defs"][table] };
        let required: Vec<&str> =
            object["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect();
        for key in object["properties"].as_object().unwrap().keys() {
            keys.insert(((*table).to_owned(), key.clone(), required.contains(&key.as_str())));
        }
    }
    keys
}

#[test]
fn every_key_of_the_grammar_is_in_the_schema_and_the_other_way_round() {
    for (schema, source, tables) in [
        (
            "policies/policy.schema.json",
            "src/policy/document.rs",
            &[
                ("Document", ""),
                ("Allow", "allow"),
                ("Deny", "deny"),
                ("Mask", "mask"),
                ("Filter", "filter"),
                ("Check", "check"),
                ("Limits", "limits"),
                ("Planner", "planner"),
                ("Caller", "caller"),
                ("Writes", "writes"),
            ][..],
        ),
        ("policies/cases.schema.json", "src/policy/cases.rs", &[("Document", ""), ("Written", "case")][..]),
        (
            "policies/notes.schema.json",
            "src/gateway/notes/document.rs",
            &[("Document", ""), ("Relation", "relation"), ("Column", "column"), ("Term", "term")][..],
        ),
    ] {
        let source_text = fs::read_to_string(source).unwrap();
        assert_eq!(source_text.matches("#[serde(deny_unknown_fields)]").count(), tables.len(), "{source}");
        let expected = keys_of_source(source, tables);
        assert_eq!(keys_of_schema(&Schema::read(schema).0, tables), expected, "{schema}");
        assert!(expected.len() >= 10);
    }
}

#[test]
fn every_policy_and_every_file_of_cases_is_valid() {
    let (policy, cases) =
        (Schema::read("policies/policy.schema.json"), Schema::read("policies/cases.schema.json"));
    let queries = Schema::read("policies/queries.schema.json");
    let mut seen = 0;
    for file in fs::read_dir("policies").unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.display().to_string();
        let text = fs::read_to_string(&file).unwrap();
        let (schema, line) = match () {
            () if name.ends_with(".queries.toml") => (&queries, "#:schema ./queries.schema.json\n"),
            () if name.ends_with(".cases.toml") => (&cases, "#:schema ./cases.schema.json\n"),
            () if name.ends_with(".toml") => (&policy, "#:schema ./policy.schema.json\n"),
            () => continue,
        };
        assert!(schema.accepts(&text) && text.starts_with(line), "{name}");
        seen += 1;
    }
    assert!(seen >= 6);
}

#[test]
fn wrong_notes_are_refused_by_the_schema_and_by_the_grammar() {
    let schema = Schema::read("policies/notes.schema.json");
    let long = "x".repeat(1_001);
    for notes in [
        "",
        "about = \"a shop\"",
        "[[relation]]\nname = \"a.b\"\nnote = \"\"\nsynonyms = []\nquestions = [\"who?\"]",
        "[[column]]\nname = \"a.b.c\"\nunit = \"kg\"",
        "[[term]]\nname = \"a\"\nnote = \"b\"\nrelations = [\"a.b\"]",
    ] {
        let text = format!("version = 1\n{notes}\n");
        assert!(Notes::parse(&text, "n.toml").is_ok() && schema.accepts(&text), "{notes}");
    }
    for notes in [
        "version = 2",
        "abuot = \"a shop\"",
        &format!("about = \"{long}\""),
        "[relation]\nname = \"a.b\"",
        "[[relation]]\nnote = \"x\"",
        "[[relation]]\nname = \"b\"",
        "[[relation]]\nname = \"a.b\"\nunit = \"kg\"",
        "[[relation]]\nname = \"a.b\"\nsynonyms = \"x\"",
        "[[relation]]\nname = \"a.b\"\nsynonyms = [\"\"]",
        "[[column]]\nname = \"a.b.c\"\nquestions = []",
        "[[term]]\nname = \"a\"\nnote = \"b\"",
        "[[term]]\nname = \"a\"\nnote = \"\"\nrelations = []",
        "[[term]]\nname = \"a\"\nnote = \"b\"\nrelations = [\"b\"]",
    ] {
        let text =
            if notes.starts_with("version") { notes.to_owned() } else { format!("version = 1\n{notes}\n") };
        assert!(Notes::parse(&text, "n.toml").is_err(), "the grammar takes {notes}");
        assert!(!schema.accepts(&text), "the schema takes {notes}");
    }
}

#[test]
fn what_is_wrong_is_refused_by_the_schema_and_by_the_grammar() {
    let schema = Schema::read("policies/policy.schema.json");
    let parse = |text: &str| {
        let sources = Sources { read: &|_| Err(String::new()), secret: &|_| Some("k".repeat(16)) };
        Policy::load(text, Path::new("p.toml"), &sources).is_ok()
    };
    for rules in [
        "",
        "extensions = [\"pg_trgm\"]",
        "tools = [\"schema\", \"saved\"]",
        "tools = []",
        "tools = [\"write\"]",
        "[writes]\napproval = \"requester\"\nrows = 1",
        "[writes]\napproval = \"two\"\nrows = 50\npreview = \"run\"\nbefore = \"90d\"",
        "explain_analyze = true",
        "query_texts = true",
        "[[allow]]\nselect = [\"a.b\"]\n[[allow]]\nupdate = [\"a.b.c\"]\noptional = true",
        "[[mask]]\ncolumns = [\"a.b.c\"]\nwith = { date = \"month\" }\npredicates = true",
        "[[mask]]\ncolumns = [\"a.b.c\"]\nwith = { hash = \"KEY\" }",
        "[limits]\nrows = 1\ncharacters = 2000\nseconds = 1\njoins = 1\n[limits.planner]\ncost = 1e6\nrows = 2",
    ] {
        let text = format!("version = 1\ninclude = []\n{rules}\n");
        assert!(parse(&text) && schema.accepts(&text), "{rules}");
    }
    for rules in [
        "include = []",
        "extension = [\"pg_trgm\"]",
        "tools = [\"shema\"]",
        "tools = \"schema\"",
        "explain_analyze = \"yes\"",
        "query_texts = \"yes\"",
        "query_text = true",
        "description = 1",
        "[[alow]]\nselect = [\"a.b\"]",
        "[[allow]]\nselect = [\"a.b\"]\nupdate = [\"a.b.c\"]",
        "[allow]\nselect = [\"a.b\"]",
        "[[allow]]\nselect = \"a.b\"",
        "[[allow]]\nselect = [\"orders\"]",
        "[[allow]]\ntrust = true",
        "[[allow]]\nselect = []",
        "[[allow]]\nselect = [\"a.b\"]\nreason = \"x\"",
        "[[allow]]\nselect = [\"a.b\"]\ntrust = \"yes\"",
        "[[deny]]\nreason = \"x\"",
        "[[deny]]\nselect = [\"a.b\"]\nupdate = [\"a.b\"]",
        "[[mask]]\ncolumns = [\"a.b.c\"]",
        "[[mask]]\nwith = \"null\"",
        "[[mask]]\ncolumns = [\"a.b.c\"]\nwith = \"nul\"",
        "[[mask]]\ncolumns = [\"a.b.c\"]\nwith = { keep_last = 0 }",
        "[[mask]]\ncolumns = [\"a.b.c\"]\nwith = { keep_last = 1, keep_first = 1 }",
        "[[mask]]\ncolumns = [\"a.b.c\"]\nwith = { date = \"minute\" }",
        "[[mask]]\ncolumns = [\"a.b.c\"]\nwith = { hush = \"KEY\" }",
        "[[filter]]\nrelations = [\"a.b\"]",
        "[[filter]]\nwhere = \"true\"",
        "[[filter]]\nrelations = [\"a.b\"]\ncondition = \"true\"",
        "[[check]]\nrelations = [\"a.b\"]\nwhere = \"true\"",
        "[limits]\nrows = 1",
        "[writes]\nrows = 1",
        "[writes]\napproval = \"none\"",
        "[writes]\napproval = \"nobody\"\nrows = 1",
        "[writes]\napproval = \"none\"\nrows = 0",
        "[writes]\napproval = \"none\"\nrows = 1\npreview = \"ran\"",
        "[writes]\napproval = \"none\"\nrows = 1\nbefore = \"7\"",
        "[writes]\napproval = \"none\"\nrows = 1\nbefore = 7",
        "[writes]\napproval = \"none\"\nrows = 1\nafter = \"7d\"",
        "[[writes]]\napproval = \"none\"\nrows = 1",
        "[limits]\nrows = 0\ncharacters = 2000\nseconds = 1\njoins = 1",
        "[limits]\nrows = 1\ncharacters = 1999\nseconds = 1\njoins = 1",
        "[limits]\nrows = 1\ncharacters = 2000\nseconds = 1\njoins = 1\n[limits.planner]\ncost = 0.0\nrows = 1.0",
        "[limits]\nrows = -1\ncharacters = 2000\nseconds = 1\njoins = 1",
        "[limits]\nrows = 1\ncharacters = 2000\nseconds = 1\njoins = 1\n[limits.caller]\nconcurrent = 1",
    ] {
        let text = format!("version = 1\ninclude = []\n{rules}\n");
        assert!(!parse(&text), "the grammar takes {rules}");
        assert!(!schema.accepts(&text), "the schema takes {rules}");
    }
    let schema = Schema::read("policies/cases.schema.json");
    for case in [
        "name = \"a\"\nsql = \"b\"",
        "name = \"a\"\nsql = \"b\"\nexpect = \"ok\"",
        "name = \"a\"\nsql = \"b\"\nexpect = \"allow\"\nrow = []",
    ] {
        let text = format!("[[case]]\n{case}\n");
        assert!(!schema.accepts(&text) && Cases::parse(&text, "c.toml").is_err(), "{case}");
    }
}
