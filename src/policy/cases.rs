//! Cases: what a policy is expected to answer, in a file `NAME.cases.toml` beside it.
//!
//! Read here, run by `pgwarden policy test`. As strict as a policy: a key that is not known is an error, so that no
//! case passes because its expectation was misspelt.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::load::explain;
use super::{Claims, Place, PolicyError};

/// A file of cases.
#[derive(Debug)]
pub struct Cases {
    /// Stand for the environment variables that hold the keys of hashes, so that hashed values can be expected.
    pub keys: BTreeMap<String, String>,
    pub cases: Vec<Case>,
}

/// One statement of one caller, and what is expected of it.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub sql: String,
    pub claims: Claims,
    pub expect: Expect,
    /// The rule that refuses, or one that takes part.
    pub rule: Option<String>,
    /// Names of the columns of the answer.
    pub columns: Option<Vec<String>>,
    /// All of the answer, each value as its cast to text prints it; `None` is NULL.
    pub rows: Option<Vec<Vec<Option<String>>>>,
    /// Is part of a notice.
    pub notice: Option<String>,
    /// Is part of what a refused caller reads.
    pub message: Option<String>,
    pub place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    keys: BTreeMap<String, String>,
    case: Vec<Spanned<Written>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    sql: String,
    #[serde(default)]
    claims: BTreeMap<String, String>,
    expect: Expect,
    rule: Option<String>,
    columns: Option<Vec<String>>,
    rows: Option<Vec<Vec<String>>>,
    /// The text that stands for NULL in `rows`.
    null: Option<String>,
    notice: Option<String>,
    message: Option<String>,
}

impl Cases {
    /// `file` only serves messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, PolicyError> {
        let file: Arc<str> = Arc::from(file);
        let place = |at: usize| Place::of(&file, text, at);
        let document: Document = toml::from_str(text).map_err(|error| {
            PolicyError::new(&place(error.span().map_or(0, |span| span.start)), explain(error.message()))
        })?;
        let cases = document.case.into_iter().map(|written| {
            let place = place(written.span().start);
            Case::of(written.into_inner(), place)
        });
        Ok(Self { keys: document.keys, cases: cases.collect::<Result<_, _>>()? })
    }
}

impl Case {
    fn of(written: Written, place: Place) -> Result<Self, PolicyError> {
        let Written { name, sql, claims, expect, rule, columns, rows, null, notice, message } = written;
        let wrong = |message: &str| Err(PolicyError::new(&place, format!("case `{name}`: {message}")));
        let answers = columns.is_some() || rows.is_some() || notice.is_some();
        if expect == Expect::Deny && answers {
            return wrong("a refusal has no `columns`, `rows` or `notice`; it has a `message`");
        }
        if expect == Expect::Allow && message.is_some() {
            return wrong("a `message` is what a refused caller reads; expect = \"deny\"");
        }
        if null.is_some() && rows.is_none() {
            return wrong("`null` says what stands for NULL in `rows`, and there are none");
        }
        let width = columns.as_ref().map(Vec::len);
        let first = rows.as_ref().and_then(|rows| rows.first()).map(Vec::len);
        if rows.iter().flatten().any(|row| Some(row.len()) != width.or(first)) {
            return wrong("the `rows` are not as wide as the `columns`, or as each other");
        }
        let field = |text: String| (null.as_ref() != Some(&text)).then_some(text);
        let rows =
            rows.map(|rows| rows.into_iter().map(|row| row.into_iter().map(field).collect()).collect());
        Ok(Self {
            name,
            sql,
            claims: claims.into_iter().collect(),
            expect,
            rule,
            columns,
            rows,
            notice,
            message,
            place,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Cases;

    fn error(case: &str) -> String {
        Cases::parse(case, "p.cases.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_misspelt_key_is_an_error_with_place_and_suggestion() {
        let text = "[[case]]\nname = \"a\"\nsql = \"SELECT 1\"\nexpect = \"allow\"\nrow = [[\"1\"]]\n";
        assert_eq!(error(text), "p.cases.toml:5:1: unknown key `row`: did you mean `rows`?");
    }

    #[test]
    fn a_case_that_could_never_say_what_it_means_is_an_error() {
        for keys in [
            "expect = \"perhaps\"",
            "expect = \"deny\"\nrows = [[\"1\"]]",
            "expect = \"deny\"\nnotice = \"masked\"",
            "expect = \"allow\"\nmessage = \"no\"",
            "expect = \"allow\"\nnull = \"-\"",
            "expect = \"allow\"\ncolumns = [\"a\"]\nrows = [[\"1\", \"2\"]]",
            "expect = \"allow\"\nrows = [[\"1\", \"2\"], [\"1\"]]",
            "rule = \"deny[1]\"",
        ] {
            let text = format!("[[case]]\nname = \"a\"\nsql = \"SELECT 1\"\n{keys}\n");
            assert!(Cases::parse(&text, "p.cases.toml").is_err(), "{keys}");
        }
    }

    #[test]
    fn only_the_text_that_a_case_chose_stands_for_null() {
        let text = "[[case]]\nname = \"a\"\nsql = \"..\"\nexpect = \"allow\"\nnull = \"-\"\n\
                    rows = [[\"-\", \"NULL\", \"\"]]\n";
        let cases = Cases::parse(text, "p.cases.toml").unwrap().cases;
        let row = [None, Some("NULL".to_owned()), Some(String::new())];
        assert_eq!(cases[0].rows.as_ref().unwrap()[0], row);
        assert_eq!(cases[0].place.line, 1);
    }
}
