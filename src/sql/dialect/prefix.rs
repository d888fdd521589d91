//! Plain names of columns, and what starts an expression in PostgreSQL and not to sqlparser: any operator, any type before a string, the marks of
//! the token rewrites, and queries in parentheses that do not start with SELECT.

use sqlparser::ast::{Expr, TypedString, UnaryOperator};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

use super::{OTHER_OPERATOR, UNARY_MINUS};
use crate::pg::keywords;
use crate::sql::parse::marker;

/// Below comparisons, above AND: what may stand between BETWEEN and AND.
const LOWER_BOUND: u8 = 20;
/// Above AND, below IS: sqlparser gives `NOT EXISTS` a node that binds tighter than any operator behind it.
const NOT: u8 = 30;

type Parsed = Result<Expr, ParserError>;

pub fn parse(parser: &mut Parser<'_>) -> Option<Parsed> {
    if let Some(column) = column(parser) {
        return Some(Ok(column));
    }
    let token = parser.peek_token_ref();
    let span = token.span;
    let (operator, precedence) = match &token.token {
        Token::Minus => (UnaryOperator::Minus, UNARY_MINUS),
        Token::Plus => (UnaryOperator::Plus, UNARY_MINUS),
        Token::Tilde => (UnaryOperator::BitwiseNot, OTHER_OPERATOR),
        Token::CustomBinaryOperator(symbol) => {
            let symbol = symbol.clone();
            return operator_or_mark(parser, symbol, span);
        }
        Token::Word(_) if is_not_exists(parser) => (UnaryOperator::Not, NOT),
        Token::Word(word) if word.quote_style != Some('[') => return typed_string(parser),
        Token::LParen => return query(parser),
        _ => return None,
    };
    parser.advance_token();
    let operand = parser.parse_subexpr(precedence);
    Some(operand.map(|expr| Expr::UnaryOp { op: operator, expr: Box::new(expr) }))
}

/// `a`, `a.b`: plain names before something that ends an operand. sqlparser comes to the same, after it has tried them
/// as types, as functions and as wildcards: most of the time that a statement takes to parse.
fn column(parser: &mut Parser<'_>) -> Option<Expr> {
    let name = |ahead: usize| match parser.peek_nth_token_ref(ahead) {
        TokenWithSpan { token: Token::Word(word), span } if is_plain(word) => Some((word, *span)),
        _ => None,
    };
    let (first, at) = name(0)?;
    let second = match parser.peek_nth_token_ref(1).token {
        Token::Period => Some(name(2)?),
        _ => None,
    };
    let length = if second.is_some() { 3 } else { 1 };
    if !ends_operand(&parser.peek_nth_token_ref(length).token) {
        return None;
    }
    let ident = |word: &Word, span| word.clone().into_ident(span);
    let expr = match second {
        Some((second, within)) => Expr::CompoundIdentifier(vec![ident(first, at), ident(second, within)]),
        None => Expr::Identifier(ident(first, at)),
    };
    (0..length).for_each(|_| parser.advance_token());
    Some(expr)
}

/// In double quotes, or no key word of sqlparser's; whether it is one of PostgreSQL's is asked later.
fn is_plain(word: &Word) -> bool {
    word.quote_style == Some('"') || word.quote_style.is_none() && word.keyword == Keyword::NoKeyword
}

fn ends_operand(token: &Token) -> bool {
    match token {
        Token::Comma | Token::RParen | Token::EOF | Token::SemiColon => true,
        Token::Eq | Token::Neq | Token::Lt | Token::LtEq | Token::Gt | Token::GtEq => true,
        Token::Word(word) => {
            word.quote_style.is_none()
                && matches!(
                    word.keyword,
                    Keyword::AND | Keyword::AS | Keyword::ASC | Keyword::DESC | Keyword::FROM | Keyword::OR
                )
        }
        _ => false,
    }
}

fn is_not_exists(parser: &Parser<'_>) -> bool {
    let keyword = |ahead| match &parser.peek_nth_token_ref(ahead).token {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    };
    keyword(0) == Keyword::NOT && keyword(1) == Keyword::EXISTS
}

fn operator_or_mark(parser: &mut Parser<'_>, symbol: String, span: Span) -> Option<Parsed> {
    let mark = match symbol.as_str() {
        marker::COLLATE => return None,
        marker::LOW => {
            parser.advance_token();
            let low = parser.parse_subexpr(LOWER_BOUND);
            return Some(low.map(|low| Expr::Nested(Box::new(low))));
        }
        marker::SYMMETRIC => {
            parser.advance_token();
            let low = parser.parse_subexpr(LOWER_BOUND);
            return Some(low.map(|low| marker::marked(low, marker::SYMMETRIC, span)));
        }
        marker::ANY => marker::ANY,
        marker::ALL => marker::ALL,
        _ => {
            parser.advance_token();
            let operand = parser.parse_subexpr(OTHER_OPERATOR);
            let prefix = marker::ident(&symbol, span);
            return Some(operand.map(|value| Expr::Prefixed { prefix, value: Box::new(value) }));
        }
    };
    parser.advance_token();
    // The parentheses round an array, or those of a subquery.
    let operand = parser.parse_prefix();
    Some(operand.map(|operand| marker::marked(operand, mark, span)))
}

/// `inet '10.0.0.1'`, `schema.type '..'`: in PostgreSQL any name of a type before a string.
fn typed_string(parser: &mut Parser<'_>) -> Option<Parsed> {
    if is_word(parser, 0, &["interval"]) {
        let is = |ahead: usize, token: &Token| parser.peek_nth_token_ref(ahead).token == *token;
        // sqlparser would drop the precision, and fields in this place.
        if is(1, &Token::LParen) && is(3, &Token::RParen) {
            return Some(string_behind_type(parser));
        }
        if is_word(parser, 1, &["year", "month", "day", "hour", "minute", "second"]) {
            return Some(parser.expected_ref("a string behind INTERVAL", parser.peek_nth_token_ref(1)));
        }
        return None;
    }
    let mut ahead = 0;
    loop {
        let Token::Word(word) = &parser.peek_nth_token_ref(ahead).token else { return None };
        let name = word.value.to_ascii_lowercase();
        // Those have special forms (INTERVAL '1' DAY), or are not the names of types.
        if ahead == 0 && word.quote_style.is_none() && keywords::reserved_as_function(&name) {
            return None;
        }
        if parser.peek_nth_token_ref(ahead + 1).token != Token::Period {
            break;
        }
        ahead += 2;
    }
    let is_string = matches!(
        parser.peek_nth_token_ref(ahead + 1).token,
        Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_)
    );
    is_string.then(|| string_behind_type(parser))
}

fn string_behind_type(parser: &mut Parser<'_>) -> Parsed {
    let data_type = parser.parse_data_type()?;
    let value = parser.parse_value()?;
    Ok(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }))
}

/// Is it one of these words, without quotes?
fn is_word(parser: &Parser<'_>, ahead: usize, words: &[&str]) -> bool {
    match &parser.peek_nth_token_ref(ahead).token {
        Token::Word(word) => {
            word.quote_style.is_none() && words.iter().any(|w| word.value.eq_ignore_ascii_case(w))
        }
        _ => false,
    }
}

/// `(VALUES ..)` and `((SELECT ..) UNION ..)`: sqlparser looks for SELECT and WITH only.
fn query(parser: &mut Parser<'_>) -> Option<Parsed> {
    let is = |ahead: usize, words: &[&str]| is_word(parser, ahead, words);
    let opening = (0..).take_while(|at| parser.peek_nth_token_ref(*at).token == Token::LParen).count();
    let is_query = if opening == 1 {
        is(1, &["values"]) && parser.peek_nth_token_ref(2).token == Token::LParen
    } else {
        is(opening, &["select", "values", "with"])
            && behind_inner(parser).is_some_and(|at| {
                is(at, &["union", "intersect", "except", "order", "limit", "offset", "fetch"])
            })
    };
    is_query.then(|| {
        parser.advance_token();
        let query = parser.parse_query()?;
        parser.expect_token(&Token::RParen)?;
        Ok(Expr::Subquery(query))
    })
}

/// How far ahead the second of the open parentheses has closed.
fn behind_inner(parser: &Parser<'_>) -> Option<usize> {
    let mut depth = 0_usize;
    for ahead in 1.. {
        // There is no white space between; `peek_nth_token_ref` would count from the start each time.
        match parser.token_at(parser.index().checked_add(ahead)?).token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.checked_sub(1)?,
            Token::EOF => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(ahead + 1);
        }
    }
    None
}
