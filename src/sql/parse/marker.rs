//! Marks between the token rewrites, the dialect and `lower`: words and operators that no text can make.
//!
//! sqlparser's tree has no place for some of PostgreSQL's syntax. A rewrite puts a mark into a place that there is,
//! and `lower` takes it out again. A mark is a word in square brackets or an operator that starts with one: in
//! PostgreSQL's dialect the tokenizer makes neither. `lower` refuses brackets wherever it does not look for a mark.

use sqlparser::ast::{Expr, Ident};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

const QUOTE: char = '[';

/// `VARIADIC array`, as the name of an argument.
pub const VARIADIC: &str = "variadic";
/// `ONLY relation`, as a schema.
pub const ONLY: &str = "only";
/// `row.*`, as a field.
pub const STAR: &str = "*";
/// `f() AS (column type)`, as the alias.
pub const ROW: &str = "row";
/// `GROUP BY DISTINCT`, as the first key.
pub const DISTINCT: &str = "distinct";
/// `USING (column) AS alias`: a column after the others, with the alias in the last one.
pub const ALIAS: &str = "as";
/// `EXCLUDE TIES` behind a frame, as the first key of PARTITION BY, its word as the column.
pub const EXCLUDE: &str = "exclude";
/// `FETCH FIRST (expression) ROWS WITH TIES`, as the number behind `LIMIT (expression)`.
pub const TIES: &str = "[ties]";

/// Operators: what stands behind BETWEEN, SYMMETRIC included; COLLATE; ANY and ALL behind any operator.
pub const LOW: &str = "[low]";
pub const SYMMETRIC: &str = "[symmetric]";
pub const COLLATE: &str = "[collate]";
pub const ANY: &str = "[any]";
pub const ALL: &str = "[all]";

pub fn word(mark: &str, span: Span) -> TokenWithSpan {
    let word = Word { value: mark.to_owned(), quote_style: Some(QUOTE), keyword: Keyword::NoKeyword };
    TokenWithSpan { token: Token::Word(word), span }
}

pub fn operator(mark: &str, span: Span) -> TokenWithSpan {
    TokenWithSpan { token: Token::CustomBinaryOperator(mark.to_owned()), span }
}

pub fn ident(mark: &str, span: Span) -> Ident {
    Ident { value: mark.to_owned(), quote_style: Some(QUOTE), span }
}

pub fn is(ident: &Ident, mark: &str) -> bool {
    any(ident) == Some(mark)
}

/// Which mark it is, if it is one.
pub fn any(ident: &Ident) -> Option<&str> {
    (ident.quote_style == Some(QUOTE)).then_some(ident.value.as_str())
}

/// An expression that the dialect marked.
pub fn marked(expr: Expr, mark: &str, span: Span) -> Expr {
    Expr::Named { expr: Box::new(expr), name: ident(mark, span) }
}
