//! Identifiers: folded as PostgreSQL folds them, refused where they could be read in two ways.

use sqlparser::ast::{self as sp, ObjectName, ObjectNamePart};

use super::{Lowered, refuse};
use crate::pg::{Diagnostic, Position, SqlState, keywords};
use crate::sql::ast::Ident;
use crate::sql::limits::MAX_IDENTIFIER_BYTES;
use crate::sql::parse::{marker, place};

/// Where a name stands decides which key words it may not be (PostgreSQL appendix C).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A column, relation or alias.
    Column,
    Function,
    Type,
    /// A result column's label.
    Label,
    /// Behind a dot, where every key word is a name.
    Qualified,
}

pub fn ident(ident: sp::Ident, role: Role) -> Lowered<Ident> {
    let mark = marker::any(&ident).is_some();
    let sp::Ident { value, quote_style, span } = ident;
    let at = place(span.start);
    if mark {
        return Err(reserved_word(&value, at));
    }
    let text = match quote_style {
        None => value.to_ascii_lowercase(),
        Some('"') => value,
        Some(_) => return refuse("names in this kind of quotes", "quote names with \"double quotes\""),
    };
    if quote_style.is_none() && reserved(&text, role) {
        return Err(reserved_word(&text, at));
    }
    well_formed(&text).map_err(|diagnostic| diagnostic.at(at))?;
    Ok(Ident { text, at: Some(at) })
}

/// Also for a mark in a place where nothing was looked for: what it stands for was no name either.
fn reserved_word(word: &str, at: Position) -> Diagnostic {
    Diagnostic::refused(SqlState::SYNTAX_ERROR, format!("`{word}` is a reserved word and no name here"))
        .rule("sql.reserved_word")
        .hint(format!("if it is a name, quote it: \"{word}\""))
        .at(at)
}

fn reserved(word: &str, role: Role) -> bool {
    match role {
        Role::Column => keywords::reserved_as_column(word),
        Role::Function | Role::Type => keywords::reserved_as_function(word),
        // `x ISNULL` is a test, not a label.
        Role::Label => keywords::reserved_as_label(word) || matches!(word, "isnull" | "notnull"),
        Role::Qualified => false,
    }
}

fn well_formed(name: &str) -> Lowered<()> {
    if name.is_empty() {
        return Err(Diagnostic::refused(SqlState::SYNTAX_ERROR, "zero-length delimited identifier"));
    }
    if name.len() > MAX_IDENTIFIER_BYTES {
        let shown: String = name.chars().take(40).collect();
        return Err(Diagnostic::refused(
            SqlState::NAME_TOO_LONG,
            format!("the name `{shown}..` has {} bytes; PostgreSQL cuts names at 63", name.len()),
        )
        .rule("sql.identifier_length")
        .hint("write the name as it is stored"));
    }
    if name.contains('"') || name.chars().any(char::is_control) {
        return Err(Diagnostic::refused(
            SqlState::INVALID_NAME,
            "names that contain a double quote or a control character are not supported",
        )
        .rule("sql.identifier_characters")
        .hint("ask the DBA for a view with a plainer name"));
    }
    Ok(())
}

/// The parts of a possibly qualified name; `role` is for the first part.
pub fn name(name: ObjectName, role: Role, most: usize) -> Lowered<Vec<Ident>> {
    let ObjectName(parts) = name;
    if parts.len() > most {
        return refuse("names with that many parts", "write `schema.name`");
    }
    let mut role = role;
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        let part = match part {
            ObjectNamePart::Identifier(part) => part,
            ObjectNamePart::Function(_) => return refuse("names made by functions", "write the name itself"),
        };
        out.push(ident(part, role)?);
        role = Role::Qualified;
    }
    Ok(out)
}

/// A dotted path of an expression: the first part a column or alias, the others anything.
pub fn path(parts: Vec<sp::Ident>) -> Lowered<Vec<Ident>> {
    let mut role = Role::Column;
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        out.push(ident(part, role)?);
        role = Role::Qualified;
    }
    Ok(out)
}
