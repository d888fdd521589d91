//! `pg_typeof`: its result is a `regtype`, and a constant that meets one is read as the name of a type.
//!
//! `COALESCE(pg_typeof(1), 'app.secrets')` would tell whether a hidden relation exists. So it is always printed with
//! a cast to text, which gives the same words.

use crate::sql::ast::{Call, Expr, Ident, TypeName};

pub fn is_typeof(call: &Call) -> bool {
    call.name.last().is_some_and(|name| name.text == "pg_typeof")
}

/// `CAST(expr AS text)`
pub fn as_text(expr: Expr) -> Expr {
    let text = TypeName {
        name: vec![Ident::new("pg_catalog"), Ident::new("text")],
        modifiers: Vec::new(),
        interval_fields: None,
        array: false,
    };
    Expr::Cast(Box::new(expr), text)
}

/// Is the type that it is cast to text anyway?
pub fn is_text(to: &TypeName) -> bool {
    let text =
        matches!(to.name.as_slice(), [schema, name] if schema.text == "pg_catalog" && name.text == "text");
    text && !to.array && to.modifiers.is_empty()
}
