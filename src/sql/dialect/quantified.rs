//! `x OPERATOR(schema.=) ANY (..)`: sqlparser knows ANY and ALL only behind the plain operators.

use sqlparser::ast::{BinaryOperator, Expr};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// `OPERATOR ( schema . symbol )` before ANY, ALL or SOME.
const OPERATOR_TOKENS: usize = 6;

/// Whether such a form is next; nothing is consumed.
pub fn is_next(parser: &Parser<'_>) -> bool {
    is_keyword(&parser.peek_nth_token(0).token, &[Keyword::OPERATOR])
        && is_keyword(
            &parser.peek_nth_token(OPERATOR_TOKENS).token,
            &[Keyword::ANY, Keyword::ALL, Keyword::SOME],
        )
}

pub fn parse(parser: &mut Parser<'_>, left: &Expr, precedence: u8) -> Result<Expr, ParserError> {
    parser.expect_keyword(Keyword::OPERATOR)?;
    parser.expect_token(&Token::LParen)?;
    let schema = parser.parse_identifier()?;
    parser.expect_token(&Token::Period)?;
    let symbol = parser.next_token().to_string();
    parser.expect_token(&Token::RParen)?;
    let compare_op = BinaryOperator::PGCustomBinaryOperator(vec![schema.value, symbol]);
    let all = is_keyword(&parser.next_token().token, &[Keyword::ALL]);
    parser.expect_token(&Token::LParen)?;
    let right = if is_keyword(&parser.peek_token_ref().token, &[Keyword::SELECT, Keyword::WITH]) {
        parser.prev_token();
        parser.parse_subexpr(precedence)?
    } else {
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

fn is_keyword(token: &Token, keywords: &[Keyword]) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && keywords.contains(&word.keyword))
}
