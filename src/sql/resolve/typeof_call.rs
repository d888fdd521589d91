//! `pg_typeof`: its result is a `regtype`, and a constant that meets one is read as the name of a type.
//!
//! `COALESCE(pg_typeof(1), 'app.secrets')` would tell whether a hidden relation exists. So it has to be cast to text
//! where it stands; as a result column of the statement it is cast for the caller, which prints the same.

use super::{Resolved, Resolver};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::{Body, Call, Expr, Ident, Item, Query, TypeName};

/// Casts it where it is a column of the outermost SELECT.
pub fn print_as_text(query: &mut Query) {
    let Body::Select(select) = &mut query.body else { return };
    for item in &mut select.items {
        let Item::Expr { expr, alias: _ } = item else { continue };
        if !matches!(expr, Expr::Call(call) if is_typeof(call)) {
            continue;
        }
        let text = TypeName {
            name: vec![Ident::new("pg_catalog"), Ident::new("text")],
            modifiers: Vec::new(),
            interval_fields: None,
            array: false,
        };
        *expr = Expr::Cast(Box::new(std::mem::replace(expr, Expr::Null)), text);
    }
}

/// Is this the inside of `pg_typeof(..)::text`?
pub fn is_cast_to_text(inner: &Expr, to: &TypeName) -> bool {
    let plain = !to.array && to.modifiers.is_empty();
    let text =
        matches!(to.name.as_slice(), [schema, name] if schema.text == "pg_catalog" && name.text == "text");
    plain && text && matches!(inner, Expr::Call(call) if is_typeof(call))
}

fn is_typeof(call: &Call) -> bool {
    call.name.last().is_some_and(|name| name.text == "pg_typeof")
}

impl Resolver<'_> {
    pub fn refuse_bare_typeof(&self, call: &Call, as_text: bool) -> Resolved<()> {
        if as_text || !is_typeof(call) {
            return Ok(());
        }
        let diagnostic = Diagnostic::refused(
            SqlState::FEATURE_NOT_SUPPORTED,
            "`pg_typeof` as a value other than text is not supported",
        )
        .rule("sql.unsupported")
        .hint("write pg_typeof(..)::text");
        Err(match call.name.first().and_then(|part| part.at) {
            Some(at) => diagnostic.at(at),
            None => diagnostic,
        })
    }
}
