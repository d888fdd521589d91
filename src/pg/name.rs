//! Names and object identifiers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::keywords::reserved_as_column;

/// An object identifier of one database. Never compared across databases.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Oid(pub u32);

/// `schema.name`, both exactly as in the system catalog (no quotes, no folding).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct QualifiedName {
    pub schema: String,
    pub name: String,
}

impl QualifiedName {
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// `"schema"."name"`, ready to stand in SQL.
    pub fn quoted(&self) -> String {
        format!("{}.{}", quote_ident(&self.schema), quote_ident(&self.name))
    }
}

/// As psql shows it: a part is quoted only where it must be.
impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", shown_ident(&self.schema), shown_ident(&self.name))
    }
}

/// A double-quoted identifier, quotes inside doubled (PostgreSQL 4.1.1).
pub fn quote_ident(ident: &str) -> String {
    let mut out = String::with_capacity(ident.len() + 2);
    push_quoted_ident(&mut out, ident);
    out
}

/// Appends what [`quote_ident`] gives.
pub fn push_quoted_ident(out: &mut String, ident: &str) {
    out.push('"');
    for (at, part) in ident.split('"').enumerate() {
        if at > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

/// As psql shows it: quoted only where it must be.
pub fn shown_ident(ident: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts_plain = ident.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c == '_');
    if starts_plain && ident.chars().all(plain) && !reserved_as_column(ident) {
        ident.to_owned()
    } else {
        quote_ident(ident)
    }
}

/// `a."B c".d` as SQL reads it; `None` where it is no such thing.
pub fn identifiers(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        let mut part = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next()? {
                    '"' if chars.next_if_eq(&'"').is_none() => break,
                    c => part.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| *c != '.') {
                part.push(c.to_ascii_lowercase());
            }
        }
        parts.push(part);
        match chars.next() {
            None => return Some(parts),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{QualifiedName, identifiers};

    #[test]
    fn a_part_is_quoted_where_sql_would_read_something_else() {
        let shown = |schema, name| QualifiedName::new(schema, name).to_string();
        assert_eq!(shown("shop", "orders_2024"), "shop.orders_2024");
        assert_eq!(shown("user", "order"), "\"user\".\"order\"");
        assert_eq!(shown("Shop", "a\"b"), "\"Shop\".\"a\"\"b\"");
        assert_eq!(shown("2x", "ä"), "\"2x\".\"ä\"");
    }

    #[test]
    fn identifiers_are_read_as_sql_reads_them() {
        assert_eq!(identifiers("Shop.Orders").unwrap(), ["shop", "orders"]);
        assert_eq!(identifiers("\"Odd \"\"Shop\".\"a.b\"").unwrap(), ["Odd \"Shop", "a.b"]);
        assert_eq!(identifiers("\"open"), None);
        assert_eq!(identifiers("\"a\"b"), None);
    }
}
