//! ANY and ALL as sqlparser does not read them: behind `OPERATOR(schema.=)`, which it knows only without, and before a
//! subquery, where it goes on reading operators that stand behind the parenthesis.

use sqlparser::ast::{BinaryOperator, Expr};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

const QUANTIFIERS: &[Keyword] = &[Keyword::ANY, Keyword::ALL, Keyword::SOME];
const QUERIES: &[Keyword] = &[Keyword::SELECT, Keyword::WITH, Keyword::VALUES];
/// `OPERATOR ( schema . symbol )` before the quantifier.
const OPERATOR_TOKENS: usize = 6;

/// Whether such a form is next; nothing is consumed.
pub fn is_next(parser: &Parser<'_>) -> bool {
    let token = |ahead| parser.peek_nth_token(ahead).token;
    let quantified = |ahead| is_keyword(&token(ahead), QUANTIFIERS);
    if is_keyword(&token(0), &[Keyword::OPERATOR]) {
        return quantified(OPERATOR_TOKENS);
    }
    let operator = !matches!(token(0), Token::Word(_) | Token::Comma | Token::RParen | Token::EOF);
    operator && quantified(1) && token(2) == Token::LParen && is_keyword(&token(3), QUERIES)
}

pub fn parse(parser: &mut Parser<'_>, left: &Expr) -> Result<Expr, ParserError> {
    let compare_op = operator(parser)?;
    let all = is_keyword(&parser.next_token().token, &[Keyword::ALL]);
    let right = if is_keyword(&parser.peek_nth_token(1).token, QUERIES) {
        // The parenthesis and what is in it, nothing behind.
        parser.parse_prefix()?
    } else {
        parser.expect_token(&Token::LParen)?;
        let right = parser.parse_expr()?;
        parser.expect_token(&Token::RParen)?;
        right
    };
    let (left, right) = (Box::new(left.clone()), Box::new(right));
    Ok(match all {
        true => Expr::AllOp { left, compare_op, right },
        false => Expr::AnyOp { left, compare_op, right, is_some: false },
    })
}

fn operator(parser: &mut Parser<'_>) -> Result<BinaryOperator, ParserError> {
    if !parser.parse_keyword(Keyword::OPERATOR) {
        return Ok(BinaryOperator::Custom(parser.next_token().to_string()));
    }
    parser.expect_token(&Token::LParen)?;
    let schema = parser.parse_identifier()?;
    parser.expect_token(&Token::Period)?;
    let symbol = parser.next_token().to_string();
    parser.expect_token(&Token::RParen)?;
    Ok(BinaryOperator::PGCustomBinaryOperator(vec![schema.value, symbol]))
}

fn is_keyword(token: &Token, keywords: &[Keyword]) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && keywords.contains(&word.keyword))
}
