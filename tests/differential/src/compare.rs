//! What PostgreSQL saw against what pgwarden saw.

use std::collections::HashSet;

use pgwarden::pg::QualifiedName;
use pgwarden::sql::Checked;
use serde_json::Value;

use crate::postgres::{self, Name, Seen};

/// PostgreSQL's grammar makes these two of LIKE .. ESCAPE and SIMILAR TO; here those are no calls. Both only build a
/// pattern.
const OF_SYNTAX: [&str; 2] = ["like_escape", "similar_to_escape"];
/// What the fixture's database has besides PostgreSQL's own types and may be named: an enum, rows that are all visible.
const OTHER_TYPES: [&str; 6] = ["mood", "orders", "order_items", "products", "events", "daily"];

/// The outcome for one accepted statement.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What PostgreSQL sees in the caller's text or in the print, and pgwarden did not.
    pub more: Vec<String>,
    /// PostgreSQL's words where the print is no SQL to it: the caller gets them as an error.
    pub print_refused: Option<String>,
}

/// `original` is what PostgreSQL's parser made of the caller's text.
pub fn outcome(original: &Result<Vec<Value>, String>, checked: &Checked, search_path: &[String]) -> Outcome {
    let known = Known::new(checked, search_path);
    let mut outcome = Outcome::default();
    let print = postgres::parse(checked.text());
    for (what, parsed, printed) in [("original", original, false), ("print", &print, true)] {
        let more = match parsed.as_deref() {
            Ok([statement]) => known.compare(&postgres::seen(statement), printed),
            Ok(several) => vec![format!("{} statements", several.len())],
            Err(error) => {
                outcome.print_refused = printed.then(|| error.clone());
                Vec::new()
            }
        };
        outcome.more.extend(more.into_iter().map(|said| format!("{what}: {said}")));
    }
    outcome
}

struct Known {
    relations: HashSet<(String, String)>,
    functions: HashSet<(String, String)>,
    search_path: Vec<String>,
}

impl Known {
    fn new(checked: &Checked, search_path: &[String]) -> Self {
        let pairs = |names: &[QualifiedName]| {
            names.iter().map(|name| (name.schema.clone(), name.name.clone())).collect()
        };
        Self {
            relations: pairs(checked.relations()),
            functions: pairs(checked.functions()),
            search_path: search_path.to_vec(),
        }
    }

    fn compare(&self, seen: &Seen, printed: bool) -> Vec<String> {
        let mut more = seen.forbidden.clone();
        let mut note = |what: &str, name: &Name| more.push(format!("{what} {}", name.join(".")));
        for name in &seen.relations {
            if !self.is_known(&self.relations, name, printed) {
                note("relation", name);
            }
        }
        for name in &seen.functions {
            // `unnest(a, b)` exists in FROM only, and only without its schema.
            let bare = printed && !matches!(name.as_slice(), [only] if only == "unnest");
            let of_syntax = matches!(name.as_slice(), [schema, name]
                if schema == "pg_catalog" && OF_SYNTAX.contains(&name.as_str()));
            // `current_schema()` is read as the keyword that it also is.
            let keyword = !printed && name.last().is_some_and(|name| name == "current_schema");
            if !of_syntax && !keyword && !self.is_known(&self.functions, name, bare) {
                note("function", name);
            }
        }
        for name in &seen.types {
            let known = match name.as_slice() {
                [schema, name] if schema == "pg_catalog" => !reveals(name),
                [schema, name] => schema == "public" && OTHER_TYPES.contains(&name.as_str()),
                [name] => !printed && !reveals(name) && name != "leaky",
                _ => false,
            };
            if !known {
                note("type", name);
            }
        }
        for name in &seen.operators {
            let own = match name.as_slice() {
                [symbol] => symbol != "@!@",
                [schema, _] => schema == "pg_catalog",
                _ => false,
            };
            if !own {
                note("operator", name);
            }
        }
        for name in &seen.collations {
            let own = match name.as_slice() {
                [_] => !printed,
                [schema, _] => schema == "pg_catalog",
                _ => false,
            };
            if !own {
                note("collation", name);
            }
        }
        for name in &seen.samplings {
            if !matches!(name.last().map(String::as_str), Some("bernoulli" | "system")) {
                note("sampling method", name);
            }
        }
        more
    }

    /// A name without schema stands for any on the search path; in the print there must be none.
    fn is_known(&self, known: &HashSet<(String, String)>, name: &Name, qualified: bool) -> bool {
        let has = |schema: &str, name: &str| known.contains(&(schema.to_owned(), name.to_owned()));
        match name.as_slice() {
            [_] if qualified => false,
            [name] => has("pg_catalog", name) || self.search_path.iter().any(|schema| has(schema, name)),
            [schema, name] | [_, schema, name] => has(schema, name),
            _ => false,
        }
    }
}

/// Types whose values tell whether an object exists.
fn reveals(name: &str) -> bool {
    name.starts_with("reg") && !name.starts_with("regexp")
}
