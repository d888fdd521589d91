//! The one place where anything stands behind a checked text on its way to PostgreSQL: the comment that says which trace a
//! statement is of.
//!
//! INVARIANT: it is hexadecimal digits of our own printing (`telemetry::trace::Context::comment`), so that what runs is
//! what was checked. Only texts that PostgreSQL is given without a name carry it: those with one may be kept by their text,
//! as connection poolers do.

use std::borrow::Cow;

use crate::telemetry::trace::Context;

/// `text`, with the comment of `context` where it has one.
pub(super) fn traced<'t>(text: &'t str, context: Option<&Context>) -> Cow<'t, str> {
    match context.map(Context::comment) {
        Some(comment) if !comment.is_empty() => Cow::Owned(format!("{text}{comment}")),
        _ => Cow::Borrowed(text),
    }
}
