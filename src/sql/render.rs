//! Prints the tree so that it cannot be misread: names quoted, operands in parentheses, strings without escapes.
//!
//! Left-deep chains of one operator are printed flat, so that a list of a thousand ANDs does not nest a thousand deep.

mod expr;
mod from;
mod places;
mod query;
mod write;

pub use places::Places;

use super::ast::write::Write;
use super::ast::{Ident, Statement, TypeName};
use super::limits::MAX_PRINTED_DEPTH;
use super::redact::Literals;
use crate::pg::{Diagnostic, SqlState, push_quoted_ident};

/// The canonical text of a statement, and where its names stand in the caller's.
pub fn render(statement: &Statement) -> Result<(String, Places), Diagnostic> {
    printed(Literals::Kept, |out| out.statement(statement))
}

/// As [`render`], of a statement that writes.
pub fn write(write: &Write) -> Result<(String, Places), Diagnostic> {
    printed(Literals::Kept, |out| out.write(write))
}

/// For a record of a query.
pub fn recorded(statement: &Statement, literals: Literals) -> Result<String, Diagnostic> {
    printed(literals, |out| out.statement(statement)).map(|(text, _)| text)
}

/// For a record of a statement that writes.
pub fn recorded_write(write: &Write, literals: Literals) -> Result<String, Diagnostic> {
    printed(literals, |out| out.write(write)).map(|(text, _)| text)
}

fn printed(literals: Literals, print: impl FnOnce(&mut Printer)) -> Result<(String, Places), Diagnostic> {
    let text = String::with_capacity(2_048);
    let mut out = Printer { text, places: Places::default(), literals, depth: 0, deepest: 0 };
    print(&mut out);
    if out.deepest > MAX_PRINTED_DEPTH {
        return Err(Diagnostic::refused(
            SqlState::STATEMENT_TOO_COMPLEX,
            "the statement is nested too deeply",
        )
        .rule("sql.limits")
        .hint("use WITH to name the inner parts"));
    }
    Ok((out.text, out.places))
}

/// A constant that PostgreSQL and sqlparser read alike, whatever `standard_conforming_strings` says: in plain
/// quotes where nothing could be an escape, else in dollar quotes with a tag that the text does not contain.
pub fn string_constant(text: &str) -> String {
    if !text.contains(['\'', '\\']) {
        return format!("'{text}'");
    }
    let mut tag = "$q$".to_owned();
    let mut next = 0_u32;
    // A text that ends in `$q` would close early with the tag's first `$`.
    while text.contains(tag.trim_end_matches('$')) {
        tag = format!("$q{next}$");
        next = next.saturating_add(1);
    }
    format!("{tag}{text}{tag}")
}

struct Printer {
    text: String,
    places: Places,
    literals: Literals,
    depth: usize,
    deepest: usize,
}

impl Printer {
    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Explain { options, query } => {
                let mut words = vec![if options.json { "FORMAT JSON" } else { "FORMAT TEXT" }];
                match options.costs {
                    Some(true) => words.push("COSTS ON"),
                    Some(false) => words.push("COSTS OFF"),
                    None => {}
                }
                self.put(&format!("EXPLAIN ({}) ", words.join(", ")));
                self.query(query);
            }
        }
    }

    /// What stands in the statement as a value.
    fn literal(&mut self, text: &str) {
        match self.literals {
            Literals::Kept => self.put(text),
            Literals::Redacted => self.put("?"),
        }
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn ident(&mut self, ident: &Ident) {
        push_quoted_ident(&mut self.text, &ident.text);
    }

    /// `"a"."b"`
    fn path(&mut self, parts: &[Ident]) {
        if let Some(at) = parts.iter().find_map(|part| part.at) {
            self.places.note(self.text.len(), at);
        }
        self.separated(parts, ".", |out, part| out.ident(part));
    }

    fn names(&mut self, names: &[Ident]) {
        self.separated(names, ", ", |out, name| out.ident(name));
    }

    fn separated<T>(&mut self, items: &[T], separator: &str, mut print: impl FnMut(&mut Self, &T)) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.put(separator);
            }
            print(self, item);
        }
    }

    fn type_name(&mut self, name: &TypeName) {
        match name.interval_fields {
            Some(fields) => self.put(&format!("INTERVAL {fields}")),
            // As a name it would take the first modifier for its fields.
            None if name.is_interval() && !name.modifiers.is_empty() => self.put("INTERVAL"),
            None => self.path(&name.name),
        }
        if !name.modifiers.is_empty() {
            self.put(&format!("({})", name.modifiers.join(", ")));
        }
        if name.array {
            self.put("[]");
        }
    }
}
