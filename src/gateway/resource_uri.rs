//! Addresses of resources. `postgres://{database}/{schema}/{relation}` and what leads to it is the schema;
//! `pgwarden://{database}/policy`, `pgwarden://{database}/routines/{schema}/{routine}` and
//! `pgwarden://{database}/queries/{query}` is what the policy makes of it; `pgwarden://{database}/found/{id}` is what `search`
//! has found.
//!
//! Each part is percent-encoded, and a name may hold any character: so the form is no suffix of it, but the query
//! `?format=json`, which no name can be taken for.

use std::fmt::{self, Write as _};

use crate::pg::QualifiedName;

const SCHEMA: &str = "postgres://";
const POLICY: &str = "pgwarden://";
const JSON: &str = "?format=json";
const MARKDOWN: &str = "?format=markdown";

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Address {
    pub database: String,
    pub target: Target,
    pub form: Form,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Target {
    Database,
    Schema(String),
    Relation(QualifiedName),
    /// What the caller may do, in words.
    Policy,
    /// The functions that the caller may call.
    Routines,
    Routine(QualifiedName),
    /// The saved queries that the caller may run.
    Queries,
    Query(String),
    /// What `search` has found, by its id.
    Found(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Form {
    #[default]
    Markdown,
    Json,
}

impl Address {
    /// Of the Markdown.
    pub(super) fn new(database: &str, target: Target) -> Self {
        Self { database: database.to_owned(), target, form: Form::Markdown }
    }

    /// `None` for what is no such address.
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let form = if uri.ends_with(JSON) { Form::Json } else { Form::Markdown };
        let of_schema = parts(uri);
        let is_of_schema = of_schema.is_some();
        let parts = of_schema.or_else(|| parts_behind(POLICY, uri))?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (database, rest) = parts.split_first()?;
        let target = if is_of_schema { schema_target(rest) } else { policy_target(rest) };
        Some(Self { database: (*database).to_owned(), target: target?, form })
    }
}

fn schema_target(parts: &[&str]) -> Option<Target> {
    match parts {
        [] => Some(Target::Database),
        [schema] => Some(Target::Schema((*schema).to_owned())),
        [schema, name] => Some(Target::Relation(QualifiedName::new(*schema, *name))),
        _ => None,
    }
}

fn policy_target(parts: &[&str]) -> Option<Target> {
    match parts {
        ["policy"] => Some(Target::Policy),
        ["routines"] => Some(Target::Routines),
        ["queries"] => Some(Target::Queries),
        ["found", id] => Some(Target::Found((*id).to_owned())),
        ["queries", name] => Some(Target::Query((*name).to_owned())),
        ["routines", schema, name] => Some(Target::Routine(QualifiedName::new(*schema, *name))),
        _ => None,
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.database.as_str();
        f.write_str(&match &self.target {
            Target::Database => uri(&[database]),
            Target::Schema(schema) => uri(&[database, schema]),
            Target::Relation(name) => uri(&[database, &name.schema, &name.name]),
            Target::Policy => joined(POLICY, &[database, "policy"]),
            Target::Routines => joined(POLICY, &[database, "routines"]),
            Target::Queries => joined(POLICY, &[database, "queries"]),
            Target::Query(name) => joined(POLICY, &[database, "queries", name]),
            Target::Found(id) => joined(POLICY, &[database, "found", id]),
            Target::Routine(name) => joined(POLICY, &[database, "routines", &name.schema, &name.name]),
        })?;
        if self.form == Form::Json { f.write_str(JSON) } else { Ok(()) }
    }
}

/// Of the schema: joins parts, outermost first.
pub(super) fn uri(parts: &[&str]) -> String {
    joined(SCHEMA, parts)
}

fn joined(scheme: &str, parts: &[&str]) -> String {
    let mut out = scheme.to_owned();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push('/');
        }
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Of the schema: one to three decoded parts, in either form.
pub(super) fn parts(uri: &str) -> Option<Vec<String>> {
    parts_behind(SCHEMA, uri).filter(|parts| parts.len() <= 3)
}

/// None of them is empty.
fn parts_behind(scheme: &str, uri: &str) -> Option<Vec<String>> {
    let uri = uri.strip_suffix(JSON).or_else(|| uri.strip_suffix(MARKDOWN)).unwrap_or(uri);
    let parts: Vec<String> = uri.strip_prefix(scheme)?.split('/').map(decoded).collect::<Option<_>>()?;
    parts.iter().all(|part| !part.is_empty()).then_some(parts)
}

/// What stands for itself in a URI may, but for what ends a part.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => 16 * nibble(rest.next()?)? + nibble(rest.next()?)?,
            b'?' | b'#' => return None,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(database: &str, schema: &str, name: &str) -> Address {
        Address::new(database, Target::Relation(QualifiedName::new(schema, name)))
    }

    #[test]
    fn odd_names_come_back_as_they_were() {
        let odd = relation("shop", "a/b%", "Odd \"Ünïcode\" ?#&");
        let text = "postgres://shop/a%2Fb%25/Odd%20%22%C3%9Cn%C3%AFcode%22%20%3F%23%26";
        assert_eq!(odd.to_string(), text);
        assert_eq!(Address::parse(text), Some(odd));
    }

    #[test]
    fn every_address_is_read_as_it_is_written_in_both_forms() {
        let name = QualifiedName::new("s", "orders.json");
        for target in [
            Target::Database,
            Target::Schema("policy".to_owned()),
            Target::Relation(name.clone()),
            Target::Policy,
            Target::Routines,
            Target::Routine(name),
        ] {
            for form in [Form::Markdown, Form::Json] {
                let address = Address { form, ..Address::new("db", target.clone()) };
                assert_eq!(Address::parse(&address.to_string()), Some(address));
            }
        }
        let markdown = Address::parse("postgres://db/s?format=markdown").unwrap();
        assert_eq!(markdown, Address::new("db", Target::Schema("s".to_owned())));
    }

    #[test]
    fn what_is_no_such_uri_is_nothing() {
        for text in [
            "",
            "postgres://",
            "postgres:///x",
            "postgres://a/b/c/d",
            "postgres://a/",
            "http://a",
            "postgres://%2",
            "postgres://%zz",
            "postgres://%FF",
            "postgres://a?format=xml",
            "postgres://a?format=json?format=json",
            "postgres://a#b",
            "pgwarden://a",
            "pgwarden://a/other",
            "pgwarden://a/routines/s",
            "pgwarden://a/routines/s/f/x",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
