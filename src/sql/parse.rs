//! Text to sqlparser's tree: limits, token gates and rewrites, exactly one statement.

mod gaps;
pub mod marker;
mod operators;
mod rewrite;

use super::dialect::Postgres;
use sqlparser::ast::Statement;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError, Whitespace};

use super::limits;
use crate::pg::{Diagnostic, Position, SqlState};

/// Nesting that the parser follows; `limits` has already bounded the parentheses.
const RECURSION_LIMIT: usize = 400;
/// Our own print puts parentheses round every operand, so reading it again goes deeper.
const REREAD_RECURSION_LIMIT: usize = 20_000;

/// About as many, white space being tokens too: spares the list from growing.
const BYTES_OF_TOKEN: usize = 2;

/// Parses what a caller wrote.
pub fn parse(sql: &str) -> Result<Statement, Diagnostic> {
    limits::admit(sql)?;
    let tokens = tokenize(sql)?;
    limits::count(&tokens)?;
    one_statement(read(tokens)?, RECURSION_LIMIT)
}

/// Parses what `render` printed.
pub fn parse_again(sql: &str) -> Result<Statement, Diagnostic> {
    one_statement(read(tokenize(sql)?)?, REREAD_RECURSION_LIMIT)
}

/// The tokens as sqlparser reads them, or the construct that it cannot.
fn read(mut tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, Diagnostic> {
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    gaps::refuse(&tokens)?;
    Ok(rewrite::rewrite(tokens))
}

/// The statements of a text with semicolons between, without those that are empty. For reports about files; a call
/// has one statement.
pub fn split(text: &str) -> Result<Vec<String>, Diagnostic> {
    let tokens = Tokenizer::new(&Postgres::default(), text).tokenize_with_location().map_err(bad_token)?;
    let mut ends =
        tokens.iter().filter(|token| token.token == Token::SemiColon).map(|token| token.span.start);
    let mut next = ends.next();
    let mut statements = vec![String::new()];
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        for (c, column) in line.chars().zip(1..) {
            if next == Some(Location { line: number, column }) {
                next = ends.next();
                statements.push(String::new());
            } else if let Some(statement) = statements.last_mut() {
                statement.push(c);
            }
        }
    }
    statements.retain(|statement| !statement.trim().is_empty());
    Ok(statements)
}

fn tokenize(sql: &str) -> Result<Vec<TokenWithSpan>, Diagnostic> {
    let mut tokens = Vec::with_capacity(sql.len() / BYTES_OF_TOKEN);
    Tokenizer::new(&Postgres::default(), sql)
        .tokenize_with_location_into_buf(&mut tokens)
        .map_err(bad_token)?;
    for pair in tokens.windows(2) {
        if let [first, second] = pair {
            refuse_token_pair(first, second)?;
        }
    }
    for token in &tokens {
        refuse_token(token)?;
        refuse_hexadecimal_number(token, sql)?;
    }
    operators::split(joined(tokens), sql)
}

/// Plain strings that only white space with a line break separates are one string (4.1.2.1).
fn joined(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut behind_string = false;
    let touch = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).any(|token| {
        let is_string = matches!(token.token, Token::SingleQuotedString(_));
        std::mem::replace(&mut behind_string, is_string) && is_string
    });
    if !touch {
        return tokens;
    }
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // Where the last plain string stands in `out`, and whether a line has ended since.
    let mut open: Option<(usize, bool)> = None;
    for token in tokens {
        match (&token.token, open) {
            (
                Token::Whitespace(Whitespace::Newline | Whitespace::SingleLineComment { .. }),
                Some((at, _)),
            ) => {
                open = Some((at, true));
            }
            (Token::Whitespace(Whitespace::Space | Whitespace::Tab), Some(_)) => {}
            (Token::SingleQuotedString(more), Some((at, true))) => {
                if let Some(TokenWithSpan { token: Token::SingleQuotedString(text), .. }) = out.get_mut(at) {
                    text.push_str(more);
                    out.truncate(at.saturating_add(1));
                    continue;
                }
            }
            (Token::SingleQuotedString(_), _) => open = Some((out.len(), false)),
            _ => open = None,
        }
        out.push(token);
    }
    out
}

/// `U&"..."` reaches sqlparser as `U & "..."`, and `0b11` as `0 AS b11`.
fn refuse_token_pair(first: &TokenWithSpan, second: &TokenWithSpan) -> Result<(), Diagnostic> {
    let is_u = matches!(&first.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("u"));
    if matches!(first.token, Token::Number(..)) && matches!(second.token, Token::Word(_)) {
        return Err(Diagnostic::refused(SqlState::SYNTAX_ERROR, "trailing junk after a number")
            .rule("sql.parse")
            .hint("put a space between the number and the word")
            .at(place(second.span.start)));
    }
    if is_u && matches!(second.token, Token::Ampersand) {
        return Err(unsupported(
            "identifiers and strings with U& escapes",
            "write the characters themselves",
        )
        .at(place(first.span.start)));
    }
    Ok(())
}

/// `0x1F` reaches sqlparser as `X'1F'`; PostgreSQL 16 reads 31, and 15 a zero with an alias.
fn refuse_hexadecimal_number(token: &TokenWithSpan, sql: &str) -> Result<(), Diagnostic> {
    if !matches!(token.token, Token::HexStringLiteral(_)) {
        return Ok(());
    }
    let at = place(token.span.start);
    let index = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let first = sql.split('\n').nth(index(at.line)).and_then(|line| line.chars().nth(index(at.column)));
    if first.is_some_and(|c| c.eq_ignore_ascii_case(&'x')) {
        return Ok(());
    }
    Err(unsupported("hexadecimal numbers", "write plain decimal digits").at(at))
}

fn refuse_token(token: &TokenWithSpan) -> Result<(), Diagnostic> {
    let found = match &token.token {
        Token::NationalStringLiteral(_) => "N'' strings",
        Token::TripleSingleQuotedString(_) | Token::TripleDoubleQuotedString(_) => "triple-quoted strings",
        Token::HexStringLiteral(digits) if !digits.chars().all(|c| c.is_ascii_hexdigit()) => {
            "odd X'' constants"
        }
        Token::SingleQuotedByteStringLiteral(bits) if !bits.chars().all(|c| matches!(c, '0' | '1')) => {
            "odd B'' constants"
        }
        Token::Char(_) | Token::Backslash => "this character",
        _ => return Ok(()),
    };
    Err(unsupported(found, "write a plain '..' or E'..' string").at(place(token.span.start)))
}

fn one_statement(tokens: Vec<TokenWithSpan>, recursion_limit: usize) -> Result<Statement, Diagnostic> {
    let dialect = Postgres::default();
    let mut parser =
        Parser::new(&dialect).with_recursion_limit(recursion_limit).with_tokens_with_locations(tokens);
    while parser.consume_token(&Token::SemiColon) {}
    if parser.peek_token().token == Token::EOF {
        return Err(Diagnostic::refused(SqlState::SYNTAX_ERROR, "the statement is empty")
            .rule("sql.parse")
            .hint("write one SELECT"));
    }
    let statement = parser.parse_statement().map_err(|error| syntax_error(error, &mut parser))?;
    let mut ended = false;
    while parser.consume_token(&Token::SemiColon) {
        ended = true;
    }
    let rest = parser.peek_token();
    if rest.token == Token::EOF {
        return Ok(statement);
    }
    let at = place(rest.span.start);
    if ended {
        return Err(Diagnostic::refused(SqlState::SYNTAX_ERROR, "more than one statement in one call")
            .rule("sql.one_statement")
            .hint("send each statement in a call of its own")
            .at(at));
    }
    Err(Diagnostic::refused(SqlState::SYNTAX_ERROR, format!("syntax error at or near `{}`", rest.token))
        .rule("sql.parse")
        .at(at))
}

fn syntax_error(error: ParserError, parser: &mut Parser<'_>) -> Diagnostic {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            return Diagnostic::refused(
                SqlState::STATEMENT_TOO_COMPLEX,
                "the statement is nested too deeply",
            )
            .rule("sql.limits")
            .hint("use WITH to name the inner queries");
        }
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
    };
    let (message, at) = split_location(&message);
    let near = parser.peek_token();
    let at = at.unwrap_or_else(|| place(near.span.start));
    Diagnostic::refused(SqlState::SYNTAX_ERROR, format!("syntax error: {}", lowered(message)))
        .rule("sql.parse")
        .at(at)
}

fn bad_token(error: TokenizerError) -> Diagnostic {
    Diagnostic::refused(SqlState::SYNTAX_ERROR, format!("syntax error: {}", lowered(&error.message)))
        .rule("sql.parse")
        .at(place(error.location))
}

/// sqlparser ends its messages with ` at Line: 1, Column: 8`.
fn split_location(message: &str) -> (&str, Option<Position>) {
    let Some((text, location)) = message.rsplit_once(" at Line: ") else { return (message, None) };
    let position = location.split_once(", Column: ").and_then(|(line, column)| {
        Some(Position { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
    });
    (text, position)
}

fn lowered(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// sqlparser counts lines and columns from 1; 0 means unknown.
pub fn place(location: Location) -> Position {
    Position { line: location.line.max(1), column: location.column.max(1) }
}

/// Valid PostgreSQL that is not accepted here.
pub fn unsupported(what: &str, instead: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, format!("not supported: {what}"))
        .rule("sql.unsupported")
        .hint(instead)
}
