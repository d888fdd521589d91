//! A statement for the operations page: what `[audit] statements` lets be recorded of it, and no more.

use std::fmt;
use std::fmt::Write as _;
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use crate::audit::Statements;
use crate::sql::{self, Literals};
use crate::telemetry::Statement;

/// Bytes of a statement that is kept for being shown.
const MOST: usize = 16 * 1024;
/// Characters that are shown.
const SHOWN: usize = 2_000;

/// What is shown of a statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Worded {
    Statement(String),
    /// SHA-256 of its redacted text.
    Fingerprint(String),
    /// The configuration says that nothing is shown.
    Withheld,
    /// It is none that we could print, and as it was written it may hold values.
    Unreadable,
    TooLong,
    /// The caller wrote none.
    Absent,
}

/// Printed when somebody looks. Debug shows none of it.
pub(super) struct Text {
    /// `None`: it was too long.
    asked: Option<Box<str>>,
    checked: bool,
    statements: Statements,
    shown: OnceLock<Worded>,
}

impl Text {
    pub(super) fn new(statement: &Statement<'_>, statements: Statements) -> Self {
        let (text, checked) = match statement {
            Statement::Asked(text) => (*text, false),
            Statement::Checked(text) => (*text, true),
            Statement::Absent => return Self::absent(),
        };
        let is_kept = text.len() <= MOST && statements != Statements::None;
        Self { asked: is_kept.then(|| text.into()), checked, statements, shown: OnceLock::new() }
    }

    fn absent() -> Self {
        Self { asked: None, checked: false, statements: Statements::None, shown: Worded::Absent.into() }
    }

    pub(super) fn worded(&self) -> &Worded {
        self.shown.get_or_init(|| self.print(self.statements))
    }

    /// No more of it than `now` lets be shown.
    pub(super) fn worded_within(&self, now: Statements) -> Worded {
        match self.asked.is_some() && shows(now) < shows(self.statements) {
            true => self.print(now),
            false => self.worded().clone(),
        }
    }

    fn print(&self, statements: Statements) -> Worded {
        if statements == Statements::None {
            return Worded::Withheld;
        }
        let Some(text) = self.asked.as_deref() else { return Worded::TooLong };
        let literals = if statements == Statements::Whole { Literals::Kept } else { Literals::Redacted };
        let Some(printed) = sql::reprinted(text, self.checked, literals) else { return Worded::Unreadable };
        match statements {
            Statements::Redacted | Statements::Whole => Worded::Statement(cut(printed)),
            Statements::Fingerprint => Worded::Fingerprint(fingerprint(&printed)),
            Statements::None => Worded::Withheld,
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}

/// The less the smaller.
fn shows(statements: Statements) -> u8 {
    match statements {
        Statements::None => 0,
        Statements::Fingerprint => 1,
        Statements::Redacted => 2,
        Statements::Whole => 3,
    }
}

fn fingerprint(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn cut(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((at, _)) => format!("{} ..", text.get(..at).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worded(statement: Statement<'_>, statements: Statements) -> Worded {
        Text::new(&statement, statements).worded().clone()
    }

    #[test]
    fn a_literal_is_shown_only_where_the_configuration_says_so() {
        let asked = Statement::Asked("select a from t where b = 'canary'");
        let shown = |statements| format!("{:?}", worded(asked, statements));
        assert!(shown(Statements::Redacted).contains("= ?"), "{}", shown(Statements::Redacted));
        assert!(shown(Statements::Whole).contains("canary"));
        for statements in [Statements::Redacted, Statements::Fingerprint, Statements::None] {
            assert!(!shown(statements).contains("canary"), "{statements:?}");
        }
    }

    #[test]
    fn what_is_no_statement_and_what_is_too_long_is_not_shown() {
        assert_eq!(worded(Statement::Asked("it's canary"), Statements::Whole), Worded::Unreadable);
        let long = format!("SELECT '{}'", "x".repeat(MOST));
        assert_eq!(worded(Statement::Asked(&long), Statements::Whole), Worded::TooLong);
    }
}
