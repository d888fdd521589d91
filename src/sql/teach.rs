//! What a refusal says to those who think in another dialect, or in the order in which they wrote. Looked at only when a
//! statement is refused.

pub mod functions;
pub mod operators;

use crate::pg::{Diagnostic, Position, SqlState};

/// A refusal with a better hint, where the caller's own text shows what was meant.
pub fn taught(refusal: Diagnostic, sql: &str) -> Diagnostic {
    match better(&refusal, sql) {
        Some(hint) => refusal.hint(hint),
        None => refusal,
    }
}

fn better(refusal: &Diagnostic, sql: &str) -> Option<String> {
    let rest = refusal.position.and_then(|at| text_from(sql, at));
    match (refusal.sqlstate, rest) {
        // A name that differs in its letters' case has been found already.
        (SqlState::UNDEFINED_COLUMN, Some(_))
            if refusal.hint.as_ref().is_some_and(|hint| hint.starts_with("did you")) =>
        {
            None
        }
        (SqlState::UNDEFINED_COLUMN, Some(rest)) => quoted(rest).map(|name| {
            format!("double quotes make `{name}` a name: a string stands in single quotes, '{name}'")
        }),
        (SqlState::SYNTAX_ERROR, Some(rest)) => of_syntax(sql, rest),
        (SqlState::FEATURE_NOT_SUPPORTED, Some(rest)) if rest.starts_with('`') => {
            Some("names are quoted with double quotes, if at all".to_owned())
        }
        (SqlState::FEATURE_NOT_SUPPORTED, None) if refusal.message.ends_with(": TOP") => {
            Some("write LIMIT and the number at the end of the statement".to_owned())
        }
        _ => None,
    }
}

fn of_syntax(sql: &str, rest: &str) -> Option<String> {
    let before = sql.get(..sql.len().checked_sub(rest.len())?)?;
    if rest.starts_with(',')
        && let Some((keyword, skipped)) = last_two_words(before)
        && keyword.eq_ignore_ascii_case("limit")
    {
        return Some(format!("write LIMIT and the number of rows, then OFFSET {skipped}"));
    }
    let name = rest.strip_prefix('[')?.split(']').next()?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ' '));
    (is_name && !name.starts_with(|c: char| c.is_ascii_digit()))
        .then(|| "brackets are for arrays: names are quoted with double quotes, if at all".to_owned())
}

fn last_two_words(text: &str) -> Option<(&str, &str)> {
    let mut words = text.split_whitespace().rev();
    let last = words.next()?;
    Some((words.next()?, last))
}

/// The name in double quotes that the text begins with, if it has the looks of a string that was meant.
fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.split('"').next().filter(|name| !name.is_empty() && !name.contains('\''))
}

/// The caller's text from `at` on.
fn text_from(sql: &str, at: Position) -> Option<&str> {
    let before = usize::try_from(at.line.checked_sub(1)?).ok()?;
    let start = match before {
        0 => 0,
        lines => sql.match_indices('\n').nth(lines.checked_sub(1)?)?.0.checked_add(1)?,
    };
    let line = sql.get(start..)?;
    let column = usize::try_from(at.column.checked_sub(1)?).ok()?;
    line.char_indices().nth(column).and_then(|(offset, _)| line.get(offset..))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(refusal: Diagnostic, sql: &str, line: u64, column: u64) -> Option<String> {
        taught(refusal.at(Position { line, column }), sql).hint
    }

    #[test]
    fn a_string_in_double_quotes_is_seen() {
        let refusal = || Diagnostic::refused(SqlState::UNDEFINED_COLUMN, "").hint("other");
        let sql = "SELECT 1\nFROM é WHERE a = \"paid\"";
        assert!(hint(refusal(), sql, 2, 18).unwrap().ends_with("'paid'"));
        assert_eq!(hint(refusal(), sql, 2, 14).unwrap(), "other");
        assert_eq!(hint(refusal(), sql, 9, 9).unwrap(), "other");
    }

    #[test]
    fn limit_with_a_comma_and_names_in_brackets_are_seen() {
        let refusal = || Diagnostic::refused(SqlState::SYNTAX_ERROR, "");
        let sql = "SELECT a FROM t LIMIT 5, 10";
        assert!(hint(refusal(), sql, 1, 24).unwrap().ends_with("OFFSET 5"));
        assert!(hint(refusal(), "SELECT [id] FROM t", 1, 8).unwrap().starts_with("brackets"));
        assert_eq!(hint(refusal(), "SELECT a[1, 2]", 1, 11), None);
        assert_eq!(hint(refusal(), "SELECT [1]", 1, 8), None);
    }
}
