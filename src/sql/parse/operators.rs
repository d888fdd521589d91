//! Operators as PostgreSQL's scanner splits them (4.1.3): the longest run of operator characters, without `+` or `-`
//! at its end unless a character in it allows that.
//!
//! sqlparser knows some operators by heart and splits or joins the others: `*<` is two to it, `<|` is `<<|`.

use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::place;
use crate::pg::{Diagnostic, SqlState};

const CHARACTERS: &str = "+-*/<>=~!@#%^&|?";
/// With one of them inside, an operator may end in `+` or `-`.
const ALLOWING: &str = "~!@#%^&|?";

/// Are all operators plain ones that stand alone? Nearly every statement's are, and then nothing is to be done.
fn are_plain(tokens: &[TokenWithSpan]) -> bool {
    let mut behind_operator = None;
    tokens.iter().all(|TokenWithSpan { token, span }| {
        let length = match token {
            Token::Eq | Token::Lt | Token::Gt | Token::Plus | Token::Minus | Token::Mul | Token::Div => 1,
            Token::LtEq | Token::GtEq | Token::Neq => 2,
            Token::Whitespace(_) | Token::EOF | Token::Word(_) | Token::Number(..) => return true,
            Token::Comma | Token::Period | Token::LParen | Token::RParen | Token::SemiColon => return true,
            Token::SingleQuotedString(_) | Token::DollarQuotedString(_) | Token::DoubleColon => return true,
            _ => return false,
        };
        let Location { line, column } = span.start;
        let end = Location { line, column: column.saturating_add(length) };
        let stands_alone = behind_operator.replace(end) != Some(span.start);
        stands_alone && span.end == end
    })
}

/// Replaces each run of operator tokens that touch by the operators that PostgreSQL reads there.
pub fn split(tokens: Vec<TokenWithSpan>, sql: &str) -> Result<Vec<TokenWithSpan>, Diagnostic> {
    if are_plain(&tokens) {
        return Ok(tokens);
    }
    let lines: Vec<Vec<char>> = sql.split('\n').map(|line| line.chars().collect()).collect();
    let mut out = Vec::with_capacity(tokens.len());
    let mut run: Option<Span> = None;
    for token in tokens {
        let is_operator = is_operator(&token, &lines);
        if let Some(span) = &mut run {
            if is_operator && span.end == token.span.start {
                span.end = token.span.end;
                continue;
            }
            operators(*span, &lines, &mut out)?;
            run = None;
        }
        if is_operator {
            run = Some(token.span);
        } else {
            out.push(token);
        }
    }
    if let Some(span) = run {
        operators(span, &lines, &mut out)?;
    }
    Ok(out)
}

fn is_operator(token: &TokenWithSpan, lines: &[Vec<char>]) -> bool {
    !matches!(token.token, Token::Whitespace(_) | Token::EOF)
        && source(token.span, lines).first().is_some_and(|first| CHARACTERS.contains(*first))
}

/// The characters of a span within one line.
fn source(span: Span, lines: &[Vec<char>]) -> &[char] {
    let index = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = lines.get(index(span.start.line)).map_or(&[][..], Vec::as_slice);
    let end = if span.end.line == span.start.line { index(span.end.column) } else { line.len() };
    line.get(index(span.start.column)..end.min(line.len())).unwrap_or_default()
}

fn operators(span: Span, lines: &[Vec<char>], out: &mut Vec<TokenWithSpan>) -> Result<(), Diagnostic> {
    let mut column = span.start.column;
    let run = source(span, lines);
    // sqlparser's tokens for some operators take the character behind them too.
    let (rest, behind) = run.split_at(run.iter().take_while(|c| CHARACTERS.contains(**c)).count());
    if behind.iter().any(|c| !c.is_whitespace()) {
        let shown: String = rest.iter().collect();
        return Err(Diagnostic::refused(
            SqlState::SYNTAX_ERROR,
            format!("no space behind the operator `{shown}`"),
        )
        .rule("sql.parse")
        .hint("put a space behind the operator")
        .at(place(span.start)));
    }
    let starts_comment = |pair: &[char]| matches!(pair, ['-', '-'] | ['/', '*']);
    if rest.windows(2).any(starts_comment) {
        return Err(Diagnostic::refused(SqlState::SYNTAX_ERROR, "a comment directly behind an operator")
            .rule("sql.parse")
            .hint("put a space between the operator and the comment")
            .at(place(span.start)));
    }
    for operator in split_run(rest) {
        let start = Location { line: span.start.line, column };
        column = column.saturating_add(u64::try_from(operator.len()).unwrap_or(u64::MAX));
        let end = Location { line: span.start.line, column };
        out.push(TokenWithSpan { token: token(operator.iter().collect()), span: Span { start, end } });
    }
    Ok(())
}

/// The operators of a run: one that may end in signs, or one without those at its end and each of them for itself. In
/// time that grows with the run, however long that is.
fn split_run(run: &[char]) -> impl Iterator<Item = &[char]> {
    let allows = run.iter().any(|c| ALLOWING.contains(*c));
    let signs = run.iter().rev().take_while(|c| !allows && matches!(c, '+' | '-')).count();
    let (first, signs) = run.split_at(run.len().saturating_sub(signs));
    std::iter::once(first).filter(|first| !first.is_empty()).chain(signs.chunks(1))
}

/// Those that bind in a way of their own (4.1.6), those that may stand before ANY, and all others.
fn token(operator: String) -> Token {
    match operator.as_str() {
        "+" => Token::Plus,
        "-" => Token::Minus,
        "*" => Token::Mul,
        "/" => Token::Div,
        "%" => Token::Mod,
        "^" => Token::Caret,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "=" => Token::Eq,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "<>" | "!=" => Token::Neq,
        "=>" => Token::RArrow,
        "~" => Token::Tilde,
        "~*" => Token::TildeAsterisk,
        "!~" => Token::ExclamationMarkTilde,
        "!~*" => Token::ExclamationMarkTildeAsterisk,
        "~~" => Token::DoubleTilde,
        "~~*" => Token::DoubleTildeAsterisk,
        "!~~" => Token::ExclamationMarkDoubleTilde,
        "!~~*" => Token::ExclamationMarkDoubleTildeAsterisk,
        _ => Token::CustomBinaryOperator(operator),
    }
}

#[cfg(test)]
mod tests {
    use super::split_run;

    #[test]
    fn signs_at_the_end_are_operators_of_their_own_unless_something_allows_them() {
        for (run, expected) in [
            ("-+-", "- + -"),
            ("*-", "* -"),
            ("<=+-", "<= + -"),
            ("@-", "@-"),
            ("-@-+", "-@-+"),
            ("-*", "-*"),
            ("~", "~"),
        ] {
            let run: Vec<char> = run.chars().collect();
            let operators: Vec<String> = split_run(&run).map(|operator| operator.iter().collect()).collect();
            assert_eq!(operators.join(" "), expected);
        }
    }
}
