//! sqlparser's PostgreSQL dialect with PostgreSQL's own operator precedence (4.1.6), for queries only.
//!
//! Two differences would silently change results: unary minus binds tighter than `^`, and `~`, `OPERATOR()` and
//! their kin bind like any other operator, not like `=`.

mod prefix;
mod quantified;

use std::any::TypeId;

use sqlparser::ast::{BinaryOperator, Expr};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::parse::marker;

/// Above AT TIME ZONE.
const COLLATE: u8 = 120;
/// Above COLLATE, below a subscript.
const UNARY_MINUS: u8 = 125;
/// "Any other operator".
const OTHER_OPERATOR: u8 = 70;

#[derive(Debug, Default)]
pub struct Postgres(PostgreSqlDialect);

impl Dialect for Postgres {
    /// The parser asks for this where it has no flag.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        prefix::parse(parser)
    }

    /// Comparisons, tests and the likes of LIKE do not chain (4.1.6): sqlparser would read `a < b < c`.
    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        left: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if precedence == self.prec_value(Precedence::Eq) && is_comparison(left) {
            let at = parser.get_current_index().saturating_add(1);
            return Some(parser.expected_at("parentheses round one of the comparisons", at));
        }
        quantified::is_next(parser).then(|| quantified::parse(parser, left))
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Tilde
            | Token::TildeAsterisk
            | Token::ExclamationMarkTilde
            | Token::ExclamationMarkTildeAsterisk
            | Token::DoubleTilde
            | Token::DoubleTildeAsterisk
            | Token::ExclamationMarkDoubleTilde
            | Token::ExclamationMarkDoubleTildeAsterisk => Some(Ok(OTHER_OPERATOR)),
            Token::CustomBinaryOperator(mark) if mark == marker::COLLATE => Some(Ok(COLLATE)),
            Token::Word(word) if word.keyword == Keyword::OPERATOR => Some(Ok(OTHER_OPERATOR)),
            _ => self.0.get_next_precedence(parser),
        }
    }

    fn prec_value(&self, prec: Precedence) -> u8 {
        self.0.prec_value(prec)
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        self.0.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        self.0.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.0.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.0.is_identifier_part(ch)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        self.0.is_custom_operator_part(ch)
    }

    fn is_reserved_for_identifier(&self, kw: Keyword) -> bool {
        self.0.is_reserved_for_identifier(kw)
    }

    fn is_table_alias(&self, kw: &Keyword, parser: &mut Parser<'_>) -> bool {
        self.0.is_table_alias(kw, parser)
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_explain_with_utility_options(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_empty_projections(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_geometric_types(&self) -> bool {
        true
    }

    /// `t0 JOIN t1 JOIN t2 ON c1 ON c2` is right-deep.
    fn supports_left_associative_joins_without_parens(&self) -> bool {
        false
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_insert_table_alias(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn supports_order_by_using_operator(&self) -> bool {
        true
    }
}

/// Not in parentheses, which have a node of their own.
fn is_comparison(expr: &Expr) -> bool {
    let Expr::BinaryOp { op, .. } = expr else { return false };
    matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}
