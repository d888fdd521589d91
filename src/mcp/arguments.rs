//! Reads a tool's arguments leniently (`"5"` for 5) but never silently: an unknown key or a value that cannot be meant is
//! refused with words that a model can act on.

use rmcp::model::{JsonObject, Tool};
use serde_json::Value;

use crate::pg::{Diagnostic, SqlState};

/// Beyond this a JSON number has been rounded while it was read.
const EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

pub(super) struct Arguments<'a> {
    tool: &'a Tool,
    given: JsonObject,
}

impl<'a> Arguments<'a> {
    /// The known keys are those of the tool's own input schema.
    pub(super) fn read(tool: &'a Tool, given: Option<JsonObject>) -> Result<Self, Diagnostic> {
        let arguments = Self { tool, given: given.unwrap_or_default() };
        match arguments.given.keys().find(|key| !arguments.known().any(|known| known == key.as_str())) {
            Some(unknown) => Err(arguments.unknown(unknown)),
            None => Ok(arguments),
        }
    }

    pub(super) fn tool(&self) -> &Tool {
        self.tool
    }

    pub(super) fn required_text(&self, key: &str) -> Result<String, Diagnostic> {
        let missing =
            || self.refuse(key, "is missing").hint(format!("call `{}` with `{key}`", self.tool.name));
        self.text(key)?.ok_or_else(missing)
    }

    /// As [`text_of`].
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Diagnostic> {
        match self.value(key) {
            None | Some(Value::String(_)) => Ok(text_of(&self.given, key).map(str::to_owned)),
            Some(other) => Err(self.wrong_type(key, "a string", other)),
        }
    }

    /// A string, a number or a boolean, as the text it was written with.
    pub(super) fn scalar(&self, key: &str) -> Result<Option<String>, Diagnostic> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Array(_) | Value::Object(_)) => Err(self.refuse(key, "must be one value")),
            Some(value) => self.as_text(key, value),
        }
    }

    /// An object, or one that is written into a string; `None` where it is neither.
    pub(super) fn object(&self, key: &str) -> Option<JsonObject> {
        match self.value(key)? {
            Value::Object(object) => Some(object.clone()),
            Value::String(text) => serde_json::from_str(text).ok(),
            _ => None,
        }
    }

    /// A whole number from 0.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, Diagnostic> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let count = match value {
            Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        count.map(Some).ok_or_else(|| self.wrong_type(key, "a whole number from 0", value))
    }

    /// Without it, no.
    pub(super) fn flag(&self, key: &str) -> Result<bool, Diagnostic> {
        let Some(value) = self.value(key) else { return Ok(false) };
        let flag = match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
            _ => None,
        };
        flag.ok_or_else(|| self.wrong_type(key, "true or false", value))
    }

    /// Strings; one alone stands for a list of one.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Diagnostic> {
        let nulls = |item: Option<String>| item.ok_or_else(|| self.refuse(key, "must not contain null"));
        self.nullable_texts(key)?.into_iter().map(nulls).collect()
    }

    /// Strings or null; numbers, booleans and objects are taken as the text they were written with.
    pub(super) fn nullable_texts(&self, key: &str) -> Result<Vec<Option<String>>, Diagnostic> {
        let item = |item: &Value| self.as_text(key, item);
        match self.value(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(item).collect(),
            // Some clients write the array into a string.
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(Value::Array(items)) => items.iter().map(item).collect(),
                _ => Ok(vec![Some(text.clone())]),
            },
            Some(other) => Err(self.wrong_type(key, "an array of strings", other)),
        }
    }

    /// One of a few words, in any case.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<Option<T>, Diagnostic> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let wanted = text.trim().to_ascii_lowercase();
        let found = choices.iter().find(|(word, _)| *word == wanted).map(|(_, choice)| *choice);
        found.map(Some).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.refuse(key, &format!("cannot be `{}`", clipped(&text)))
                .hint(suggestion(&wanted, words.iter().copied()).unwrap_or_else(|| one_of(&words)))
        })
    }

    fn as_text(&self, key: &str, item: &Value) -> Result<Option<String>, Diagnostic> {
        match item {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            Value::Number(number)
                if number.as_f64().is_some_and(|n| n.abs() >= EXACT_FLOAT) && number.is_f64() =>
            {
                Err(self
                    .refuse(key, "holds a number too large to be exact")
                    .hint("write the number as a string"))
            }
            Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Ok(Some(item.to_string()))
            }
        }
    }

    /// Null is as good as absent.
    fn value(&self, key: &str) -> Option<&Value> {
        self.given.get(key).filter(|value| !value.is_null())
    }

    fn known(&self) -> impl Iterator<Item = &str> {
        let properties = self.tool.input_schema.get("properties").and_then(Value::as_object);
        properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str))
    }

    fn unknown(&self, key: &str) -> Diagnostic {
        let message = format!("`{}` has no argument `{}`", self.tool.name, clipped(key));
        let all: Vec<&str> = self.known().collect();
        invalid(message).hint(suggestion(key, all.iter().copied()).unwrap_or_else(|| one_of(&all)))
    }

    fn wrong_type(&self, key: &str, wanted: &str, found: &Value) -> Diagnostic {
        self.refuse(key, &format!("must be {wanted}, not {}", kind(found)))
    }

    fn refuse(&self, key: &str, what: &str) -> Diagnostic {
        invalid(format!("argument `{key}` of `{}` {what}", self.tool.name))
    }
}

/// An empty text is as good as absent: a model that has to give every argument writes that where it means none.
///
/// INVARIANT: whatever decides on a call by one of its texts reads it here, as the tool itself does.
pub(super) fn text_of<'g>(given: &'g JsonObject, key: &str) -> Option<&'g str> {
    given.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// `did you mean ..`, where something known is near.
pub(super) fn suggestion<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let wanted = wanted.to_ascii_lowercase();
    known
        .map(|known| (strsim::normalized_damerau_levenshtein(&wanted, known), known))
        .filter(|(nearness, _)| *nearness > 0.6)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, known)| format!("did you mean `{known}`?"))
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    format!("use one of {}", quoted.join(", "))
}

fn invalid(message: String) -> Diagnostic {
    Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn whole(number: f64) -> Option<u64> {
    let exact = number.fract() == 0.0 && (0.0..EXACT_FLOAT).contains(&number);
    exact.then(|| format!("{number:.0}").parse().ok()).flatten()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number like that",
        Value::String(_) => "a string like that",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A user's word, short enough for one line.
fn clipped(word: &str) -> String {
    word.chars().filter(|c| !c.is_control() && *c != '`').take(64).collect()
}
