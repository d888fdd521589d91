//! Constants. Only forms whose value is certain.

use sqlparser::ast::{DollarQuotedString, Value, ValueWithSpan};

use super::{Lowered, refuse};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::Expr;
use crate::sql::parse::place;

/// `$65535` is the protocol's bound; nobody needs more than this.
const MAX_PARAMETER: u32 = 1_000;

pub fn value(value: ValueWithSpan) -> Lowered<Expr> {
    let ValueWithSpan { value, span } = value;
    constant(value).map_err(|diagnostic| match diagnostic.position {
        Some(_) => diagnostic,
        None => diagnostic.at(place(span.start)),
    })
}

fn constant(value: Value) -> Lowered<Expr> {
    Ok(match value {
        Value::Null => Expr::Null,
        Value::Boolean(value) => Expr::Boolean(value),
        Value::Number(digits, long) => number(digits, long)?,
        Value::SingleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text)
        | Value::DollarQuotedString(DollarQuotedString { value: text, tag: _ }) => string(text)?,
        Value::SingleQuotedByteStringLiteral(bits) => Expr::Bits('B', bits),
        Value::HexStringLiteral(digits) => Expr::Bits('X', digits),
        Value::Placeholder(name) => parameter(&name)?,
        Value::TripleSingleQuotedString(_)
        | Value::TripleDoubleQuotedString(_)
        | Value::DoubleQuotedByteStringLiteral(_)
        | Value::TripleSingleQuotedByteStringLiteral(_)
        | Value::TripleDoubleQuotedByteStringLiteral(_)
        | Value::SingleQuotedRawStringLiteral(_)
        | Value::DoubleQuotedRawStringLiteral(_)
        | Value::TripleSingleQuotedRawStringLiteral(_)
        | Value::TripleDoubleQuotedRawStringLiteral(_)
        | Value::NationalStringLiteral(_)
        | Value::QuoteDelimitedStringLiteral(_)
        | Value::NationalQuoteDelimitedStringLiteral(_)
        | Value::DoubleQuotedString(_) => {
            return refuse("constants of this kind", "write a plain '..' or E'..' string");
        }
    })
}

/// The text of a string constant and nothing else.
pub fn text(value: ValueWithSpan) -> Lowered<String> {
    match self::value(value)? {
        Expr::String(text) => Ok(text),
        _ => refuse("constants of this kind", "write a '..' string behind the type"),
    }
}

/// PostgreSQL refuses NUL; an escape could have made one.
fn string(text: String) -> Lowered<Expr> {
    if text.contains('\0') {
        return Err(Diagnostic::refused(
            SqlState::INVALID_PARAMETER_VALUE,
            "a string contains a NUL character",
        ));
    }
    Ok(Expr::String(text))
}

/// `1`, `1.5`, `.5`, `1e10`: what every supported PostgreSQL reads alike. Before 16, `0x1f` and `1_000` are a number
/// with an alias.
fn number(digits: String, long: bool) -> Lowered<Expr> {
    let mut rest = digits.as_str();
    let whole = take_digits(&mut rest);
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        fraction = take_digits(&mut rest);
    }
    if let Some(after) = rest.strip_prefix(['e', 'E']) {
        rest = after.strip_prefix(['+', '-']).unwrap_or(after);
        if take_digits(&mut rest) == 0 {
            return refuse("numbers like this", "write plain decimal digits");
        }
    }
    if long || whole + fraction == 0 || !rest.is_empty() {
        return refuse("numbers like this", "write plain decimal digits");
    }
    Ok(Expr::Number(digits))
}

fn take_digits(rest: &mut &str) -> usize {
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let taken = rest.len() - after.len();
    *rest = after;
    taken
}

fn parameter(name: &str) -> Lowered<Expr> {
    let number = name.strip_prefix('$').filter(|digits| digits.chars().all(|c| c.is_ascii_digit()));
    match number.and_then(|digits| digits.parse::<u32>().ok()) {
        Some(number @ 1..=MAX_PARAMETER) => Ok(Expr::Parameter(number)),
        _ => refuse("parameters like this", "write $1, $2, .. and give the values as `params`"),
    }
}
