//! One parameter of a saved query: its type and the checks that a value passes before PostgreSQL sees it.

use std::cmp::Ordering;

use super::ScalarType;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::Place;

/// Characters of a text where the file says nothing else.
pub(super) const LENGTH: usize = 1_000;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter {
    pub name: String,
    pub scalar: ScalarType,
    pub description: Option<String>,
    /// It has to be given.
    pub required: bool,
    /// Its value where it is left out; without one, NULL.
    pub default: Option<String>,
    pub min: Option<String>,
    pub max: Option<String>,
    /// Characters of a text at the most.
    pub length: usize,
    /// Empty: any value.
    pub one_of: Vec<String>,
    /// Of its type in the file.
    pub place: Place,
}

impl Parameter {
    /// The value to bind for what a caller gave. `query` is the name of the saved query.
    pub(super) fn value(&self, query: &str, given: Option<&str>) -> Result<Option<String>, Diagnostic> {
        let Some(given) = given else {
            return match (&self.default, self.required) {
                (Some(default), _) => Ok(Some(default.clone())),
                (None, false) => Ok(None),
                (None, true) => Err(self.refusal(query, "is missing")),
            };
        };
        self.read(given).map(Some).map_err(|what| self.refusal(query, &what))
    }

    /// A value of the type that passes the checks; `Err` is the rest of a sentence that begins with its name.
    pub(super) fn read(&self, text: &str) -> Result<String, String> {
        let value = self.scalar.read(text).ok_or("is no value of its type")?;
        let beyond = |bound: &Option<String>, order| {
            let bound = bound.as_ref()?;
            (self.scalar.compare(&value, bound) == Some(order)).then(|| bound.clone())
        };
        if let Some(min) = beyond(&self.min, Ordering::Less) {
            return Err(format!("is below {min}"));
        }
        if let Some(max) = beyond(&self.max, Ordering::Greater) {
            return Err(format!("is above {max}"));
        }
        if self.scalar == ScalarType::Text && value.chars().count() > self.length {
            return Err(format!("is longer than {} characters", self.length));
        }
        let known = |known: &String| self.scalar.same(known, &value);
        if !self.one_of.is_empty() && !self.one_of.iter().any(known) {
            return Err("is none of its values".to_owned());
        }
        Ok(value)
    }

    /// What a value may be: `a whole number .., from 1 to 100`.
    pub fn wanted(&self) -> String {
        if !self.one_of.is_empty() {
            return format!("one of {}", self.one_of.join(", "));
        }
        let bounds = match (&self.min, &self.max) {
            (Some(min), Some(max)) => format!(", from {min} to {max}"),
            (Some(min), None) => format!(", from {min}"),
            (None, Some(max)) => format!(", up to {max}"),
            (None, None) if self.scalar == ScalarType::Text && self.length != LENGTH => {
                format!(" of at most {} characters", self.length)
            }
            (None, None) => String::new(),
        };
        let form = match (self.scalar, bounds.is_empty()) {
            (ScalarType::Integer | ScalarType::Bigint, false) => "a whole number",
            (scalar, _) => scalar.form(),
        };
        format!("{form}{bounds}")
    }

    /// Does not repeat the value: it could be long, and the caller has it.
    fn refusal(&self, query: &str, what: &str) -> Diagnostic {
        let message = format!("parameter `{}` of `{query}` {what}", self.name);
        Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message).rule("saved.parameter").hint(format!(
            "give `{}` as {}",
            self.name,
            self.wanted()
        ))
    }
}
