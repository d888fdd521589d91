//! sqlparser's PostgreSQL dialect with PostgreSQL's own operator precedence (4.1.6), for queries only.
//!
//! Two differences would silently change results: unary minus binds tighter than `^`, and `~`, `OPERATOR()` and
//! their kin bind like any other operator, not like `=`.

mod quantified;

use std::any::TypeId;

use sqlparser::ast::{Expr, UnaryOperator};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

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
        let (operator, precedence) = match parser.peek_token_ref().token {
            Token::Minus => (UnaryOperator::Minus, UNARY_MINUS),
            Token::Plus => (UnaryOperator::Plus, UNARY_MINUS),
            Token::Tilde => (UnaryOperator::BitwiseNot, OTHER_OPERATOR),
            Token::AtSign => (UnaryOperator::PGAbs, OTHER_OPERATOR),
            Token::PGSquareRoot => (UnaryOperator::PGSquareRoot, OTHER_OPERATOR),
            Token::PGCubeRoot => (UnaryOperator::PGCubeRoot, OTHER_OPERATOR),
            _ => return None,
        };
        parser.advance_token();
        Some(
            parser.parse_subexpr(precedence).map(|expr| Expr::UnaryOp { op: operator, expr: Box::new(expr) }),
        )
    }

    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        quantified::is_next(parser).then(|| quantified::parse(parser, expr, precedence))
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

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }
}
