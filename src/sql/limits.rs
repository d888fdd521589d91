//! What a text may be before it is parsed at all: size, characters, tokens, operators.
//!
//! The bounds keep parsing, walking and printing within known time and stack (docs/SQL.md).

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::pg::{Diagnostic, SqlState};

/// Bytes of one statement.
pub const MAX_BYTES: usize = 64 * 1024;
/// Tokens of one statement, white space not counted.
pub const MAX_TOKENS: usize = 10_000;
/// UNION, INTERSECT and EXCEPT.
pub const MAX_SET_OPERATORS: usize = 500;
/// Operators, AND, OR, NOT and casts.
pub const MAX_OPERATORS: usize = 5_000;
/// `POSITION(`: the parser doubles its time with each level.
pub const MAX_POSITION: usize = 4;
/// Open parentheses and brackets at one place.
pub const MAX_DEPTH: usize = 60;
/// JOIN: what each item of FROM may refer to is worked out anew, and so does PostgreSQL with equal columns.
pub const MAX_JOINS: usize = 60;
/// Relations, counted as often as they are named: PostgreSQL plans each, with its partitions.
pub const MAX_RELATIONS: usize = 400;
/// Operands within operands, as they are printed: a chain of ANDs is one, one of `::` or `IS NULL` is not.
pub const MAX_PRINTED_DEPTH: usize = 300;
/// Bytes of an identifier (NAMEDATALEN - 1): PostgreSQL truncates longer ones.
pub const MAX_IDENTIFIER_BYTES: usize = 63;

/// Refuses texts that are too long or hold characters that PostgreSQL or a log would read otherwise.
pub fn admit(sql: &str) -> Result<(), Diagnostic> {
    if sql.len() > MAX_BYTES {
        return Err(too_large(format!("the statement has {} bytes, the limit is {MAX_BYTES}", sql.len()))
            .hint("pass long lists as one array parameter: `= ANY ($1)`"));
    }
    let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if let Some(c) = sql.chars().find(|c| forbidden(*c)) {
        return Err(Diagnostic::refused(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("the statement contains the control character U+{:04X}", u32::from(c)),
        )
        .rule("sql.characters")
        .hint("write it as an escape, such as E'\\x01', or pass it as a parameter"));
    }
    Ok(())
}

/// Counts what makes parsing and walking expensive.
pub fn count(tokens: &[TokenWithSpan]) -> Result<(), Diagnostic> {
    let mut seen = Seen::default();
    for token in tokens {
        seen.add(&token.token)?;
    }
    Ok(())
}

#[derive(Default)]
struct Seen {
    tokens: usize,
    operators: usize,
    set_operators: usize,
    positions: usize,
    joins: usize,
    depth: usize,
}

impl Seen {
    fn add(&mut self, token: &Token) -> Result<(), Diagnostic> {
        match token {
            Token::Whitespace(_) => return Ok(()),
            Token::LParen | Token::LBracket => self.depth += 1,
            Token::RParen | Token::RBracket => self.depth = self.depth.saturating_sub(1),
            Token::Word(word) if word.quote_style.is_none() => self.word(&word.value),
            Token::Comma | Token::Period | Token::SemiColon | Token::Number(..) => {}
            Token::Word(_) | Token::SingleQuotedString(_) | Token::Placeholder(_) => {}
            _ => self.operators += 1,
        }
        self.tokens += 1;
        within("tokens", self.tokens, MAX_TOKENS)?;
        within("operators", self.operators, MAX_OPERATORS)?;
        within("set operators", self.set_operators, MAX_SET_OPERATORS)?;
        within("uses of POSITION", self.positions, MAX_POSITION)?;
        within("joins", self.joins, MAX_JOINS)?;
        within("levels of nested parentheses", self.depth, MAX_DEPTH)
    }

    fn word(&mut self, word: &str) {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        if is("union") || is("intersect") || is("except") {
            self.set_operators += 1;
        } else if is("position") {
            self.positions += 1;
        } else if is("join") {
            self.joins += 1;
            self.operators += 1;
        } else if ["and", "or", "not", "is", "like", "ilike", "between", "in"].iter().any(|w| is(w)) {
            self.operators += 1;
        }
    }
}

fn within(what: &str, count: usize, limit: usize) -> Result<(), Diagnostic> {
    if count <= limit {
        return Ok(());
    }
    Err(too_large(format!("the statement has more than {limit} {what}"))
        .hint("split the question into several statements, or pass long lists as one array parameter"))
}

fn too_large(message: String) -> Diagnostic {
    Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message).rule("sql.limits")
}
