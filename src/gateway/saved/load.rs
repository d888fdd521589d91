//! From the text of a file to its saved queries. What is not understood is a fault with its place.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use toml::Spanned;

use super::document::{self, Document, Literal, Text};
use super::parameter::LENGTH;
use super::{Parameter, SavedQuery, ScalarType};
use crate::policy::{Place, explain};

/// Each is checked for a caller when their tools are listed.
const MOST_QUERIES: usize = 200;
const MOST_PARAMETERS: usize = 30;
/// Of a text parameter.
const MOST_CHARACTERS: usize = 100_000;
/// Characters: clients cut longer ones, and shorter ones say nothing.
const DESCRIPTION: std::ops::RangeInclusive<usize> = 20..=600;
/// Of what is said of a parameter.
const PARAMETER_DESCRIPTION: usize = 200;
/// As long as a notice may be.
const NOTES: usize = 300;
/// Arguments of every tool that runs a saved query.
const RESERVED: [&str; 6] = ["database", "format", "cursor", "limit", "name", "arguments"];

/// Something wrong in a file of saved queries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SavedFault {
    pub place: Place,
    pub message: String,
}

impl fmt::Display for SavedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for SavedFault {}

/// The queries of one file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SavedQueries {
    /// A digest of the text.
    pub version: String,
    pub queries: Vec<Arc<SavedQuery>>,
}

impl SavedQueries {
    /// Reads `text`; `file` serves messages. `is_built_in` says which names belong to other tools.
    pub fn parse(text: &str, file: &str, is_built_in: fn(&str) -> bool) -> Result<Self, SavedFault> {
        let reading = Reading { file: Arc::from(file), text, is_built_in };
        let document: Document = toml::from_str(text).map_err(|error| {
            reading.fault(error.span().map_or(0, |span| span.start), explain(error.message()))
        })?;
        if document.query.len() > MOST_QUERIES {
            return Err(reading.fault(0, format!("more than {MOST_QUERIES} queries")));
        }
        let mut names = BTreeSet::new();
        let mut queries = Vec::new();
        for written in &document.query {
            let query = reading.query(written.get_ref())?;
            if !names.insert(query.name.clone()) {
                let message = format!("there is a query `{}` already", query.name);
                return Err(reading.at(&written.get_ref().name, message));
            }
            queries.push(Arc::new(query));
        }
        let version = Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { version, queries })
    }
}

/// One file while it is read.
struct Reading<'r> {
    file: Arc<str>,
    text: &'r str,
    is_built_in: fn(&str) -> bool,
}

impl Reading<'_> {
    fn place(&self, at: usize) -> Place {
        Place::of(&self.file, self.text, at)
    }

    fn fault(&self, at: usize, message: impl Into<String>) -> SavedFault {
        SavedFault { place: self.place(at), message: message.into() }
    }

    fn at<T>(&self, spanned: &Spanned<T>, message: impl Into<String>) -> SavedFault {
        self.fault(spanned.span().start, message)
    }

    fn query(&self, written: &document::Query) -> Result<SavedQuery, SavedFault> {
        let name = written.name.get_ref();
        if !is_name(name, 3, 41) {
            let message = format!("`{name}` is no name: 3 to 41 of a-z, 0-9 and _, a letter first");
            return Err(self.at(&written.name, message));
        }
        if (self.is_built_in)(name) {
            return Err(self.at(&written.name, format!("`{name}` is another tool: choose another name")));
        }
        if written.sql.get_ref().trim().is_empty() {
            return Err(self.at(&written.sql, "`sql` is empty"));
        }
        if let Some(limit) = written.limit.as_ref().filter(|limit| *limit.get_ref() == 0) {
            return Err(self.at(limit, "`limit` is 1 or more"));
        }
        if written.parameter.len() > MOST_PARAMETERS {
            return Err(self.at(&written.name, format!("more than {MOST_PARAMETERS} parameters")));
        }
        let mut parameters: Vec<Parameter> = Vec::new();
        for parameter in &written.parameter {
            let read = self.parameter(parameter.get_ref())?;
            if parameters.iter().any(|known| known.name == read.name) {
                let message = format!("there is a parameter `{}` already", read.name);
                return Err(self.at(&parameter.get_ref().name, message));
            }
            parameters.push(read);
        }
        Ok(SavedQuery {
            name: name.clone(),
            description: self.words(&written.description, "description", DESCRIPTION)?,
            sql: written.sql.get_ref().clone(),
            parameters,
            notes: written.notes.as_ref().map(|notes| self.words(notes, "notes", 1..=NOTES)).transpose()?,
            limit: written.limit.as_ref().map(|limit| *limit.get_ref()),
            show_sql: written.show_sql,
            place: self.place(written.sql.span().start),
        })
    }

    /// Of a file that people wrap, in one line.
    fn words(
        &self,
        text: &Text,
        key: &str,
        characters: std::ops::RangeInclusive<usize>,
    ) -> Result<String, SavedFault> {
        let words = text.get_ref().split_whitespace().collect::<Vec<_>>().join(" ");
        if characters.contains(&words.chars().count()) {
            return Ok(words);
        }
        let (least, most) = characters.into_inner();
        Err(self.at(text, format!("`{key}` has from {least} to {most} characters")))
    }

    fn parameter(&self, written: &document::Parameter) -> Result<Parameter, SavedFault> {
        let name = written.name.get_ref();
        if !is_name(name, 1, 63) || RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` cannot be the name of a parameter");
            return Err(self.at(&written.name, message));
        }
        let word = written.kind.get_ref();
        let scalar = ScalarType::ALL.into_iter().find(|scalar| scalar.word() == word).ok_or_else(|| {
            let words = ScalarType::ALL.map(ScalarType::word).join(", ");
            self.at(&written.kind, format!("`{word}` is no type of a parameter: use {words}"))
        })?;
        let describe = |text| self.words(text, "description", 1..=PARAMETER_DESCRIPTION);
        let mut parameter = Parameter {
            name: name.clone(),
            scalar,
            description: written.description.as_ref().map(describe).transpose()?,
            required: written.required.unwrap_or(written.default.is_none()),
            default: None,
            min: self.bound(scalar, "min", written.min.as_ref())?,
            max: self.bound(scalar, "max", written.max.as_ref())?,
            length: self.length(scalar, written.length.as_ref())?,
            one_of: self.one_of(scalar, written.one_of.as_ref())?,
            place: self.place(written.kind.span().start),
        };
        if let (Some(min), Some(max)) = (&parameter.min, &parameter.max)
            && scalar.compare(min, max) == Some(std::cmp::Ordering::Greater)
        {
            return Err(self.at(&written.name, "`min` is above `max`"));
        }
        if let Some(default) = &written.default {
            if written.required == Some(true) {
                return Err(self.at(default, "a parameter that is required has no use for a default"));
            }
            let text =
                literal(default.get_ref()).ok_or_else(|| self.at(default, "`default` is one value"))?;
            let value =
                parameter.read(&text).map_err(|what| self.at(default, format!("`default` {what}")))?;
            parameter.default = Some(value);
        }
        Ok(parameter)
    }

    fn bound(
        &self,
        scalar: ScalarType,
        key: &str,
        written: Option<&Literal>,
    ) -> Result<Option<String>, SavedFault> {
        let Some(written) = written else { return Ok(None) };
        if !scalar.has_order() {
            return Err(self.at(written, format!("`{key}` is not for {}", scalar.word())));
        }
        let value = literal(written.get_ref()).and_then(|text| scalar.read(&text));
        let message = || format!("`{key}` is no value of its type: {}", scalar.form());
        value.map(Some).ok_or_else(|| self.at(written, message()))
    }

    fn length(&self, scalar: ScalarType, written: Option<&Spanned<usize>>) -> Result<usize, SavedFault> {
        let Some(written) = written else { return Ok(LENGTH) };
        if scalar != ScalarType::Text || !(1..=MOST_CHARACTERS).contains(written.get_ref()) {
            return Err(self.at(written, format!("`length` is for text, from 1 to {MOST_CHARACTERS}")));
        }
        Ok(*written.get_ref())
    }

    fn one_of(
        &self,
        scalar: ScalarType,
        written: Option<&Spanned<Vec<toml::Value>>>,
    ) -> Result<Vec<String>, SavedFault> {
        let Some(written) = written else { return Ok(Vec::new()) };
        let value = |value: &toml::Value| literal(value).and_then(|text| scalar.read(&text));
        let values: Option<Vec<String>> = written.get_ref().iter().map(value).collect();
        let message = || format!("`one_of` lists values of its type: {}", scalar.form());
        values.filter(|values| !values.is_empty()).ok_or_else(|| self.at(written, message()))
    }
}

fn is_name(name: &str, least: usize, most: usize) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (least..=most).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
}

/// A value as text; `None` for what is no single one.
fn literal(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(value) => Some(value.to_string()),
        toml::Value::Datetime(time) => Some(time.to_string()),
        toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests;
