//! One table of the file, read key by key. Keys that nobody asked for are refused at the end.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use crate::catalog::closest;

/// The file being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'t> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
}

impl Source<'_> {
    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>) -> ConfigError {
        ConfigError::new(self.file, message).at(self.text, span.start)
    }
}

/// A value's fault: the message without the key, and a hint.
#[derive(Default)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// Where inside of the value, for arrays.
    span: Option<Range<usize>>,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>, hint: Option<String>) -> Self {
        Self { message: message.into(), hint, span: None }
    }
}

pub(super) struct Section<'t> {
    source: Source<'t>,
    /// Where it begins, for what is missing in it.
    start: usize,
    /// `` `[limits]` ``, or empty at the top.
    shown: String,
    table: &'t DeTable<'t>,
    known: Vec<&'static str>,
}

impl<'t> Section<'t> {
    pub(super) fn top(source: Source<'t>, table: &'t DeTable<'t>) -> Self {
        Self { source, start: 0, shown: String::new(), table, known: Vec::new() }
    }

    /// A fault of the table as a whole.
    pub(super) fn fault(&self, what: &str) -> ConfigError {
        self.source.error(self.start..self.start, format!("`{}` {what}", self.shown))
    }

    /// The value of `key`, if it is there.
    pub(super) fn value<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'t>) -> Result<T, Fault>,
    ) -> Result<Option<T>, ConfigError> {
        self.known.push(key);
        let Some(value) = self.table.get(key) else { return Ok(None) };
        read(value.get_ref()).map(Some).map_err(|fault| {
            let span = fault.span.unwrap_or(value.span());
            self.source.error(span, format!("`{key}` {}", fault.message)).hint(fault.hint)
        })
    }

    /// The value of `key`, which must be there.
    pub(super) fn needed<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'t>) -> Result<T, Fault>,
    ) -> Result<T, ConfigError> {
        let value = self.value(key, read)?;
        value.ok_or_else(|| {
            let message = format!("`{}` has no `{key}`", self.shown);
            self.source.error(self.start..self.start, message)
        })
    }

    /// The tables of the array `key`, in their order; none where it is absent.
    pub(super) fn list(&mut self, key: &'static str) -> Result<Vec<Section<'t>>, ConfigError> {
        self.known.push(key);
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let Some(array) = value.get_ref().as_array() else {
            let message = format!("`{key}` is {}, an array of tables was expected", kind(value.get_ref()));
            let hint = format!("write `[[{}.{key}]]`", self.shown);
            return Err(self.source.error(value.span(), message).hint(Some(hint)));
        };
        array.iter().map(|item| self.inner(key, item)).collect()
    }

    /// The table `key`; an absent one is empty.
    pub(super) fn section(&mut self, key: &'static str) -> Result<Option<Section<'t>>, ConfigError> {
        self.known.push(key);
        let Some(value) = self.table.get(key) else { return Ok(None) };
        self.inner(key, value).map(Some)
    }

    /// The tables inside of this one, whatever their names, in the order of the file.
    pub(super) fn sections(self) -> Result<Vec<(String, Section<'t>)>, ConfigError> {
        let mut keys: Vec<_> = self.table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        keys.into_iter()
            .map(|(key, value)| {
                let name = key.get_ref();
                if !is_plain(name) {
                    let message = format!("`{name}` is no name for an entry");
                    let hint = "letters, digits, `_` and `-`, at most 63".to_owned();
                    return Err(self.source.error(key.span(), message).hint(Some(hint)));
                }
                Ok((name.to_string(), self.inner(name, value)?))
            })
            .collect()
    }

    /// Refuses what nobody asked for.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        let unknown = self.table.keys().filter(|key| !self.known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown.min_by_key(|key| key.span().start) else { return Ok(()) };
        let place = if self.shown.is_empty() { String::new() } else { format!(" in `[{}]`", self.shown) };
        let hint = match closest(key.get_ref(), self.known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", self.known.join(", ")),
        };
        let message = format!("unknown key `{}`{place}", key.get_ref());
        Err(self.source.error(key.span(), message).hint(Some(hint)))
    }

    fn inner(&self, key: &str, value: &'t Spanned<DeValue<'t>>) -> Result<Section<'t>, ConfigError> {
        let shown = if self.shown.is_empty() { key.to_owned() } else { format!("{}.{key}", self.shown) };
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("`{shown}` is {}, a table was expected", kind(value.get_ref()));
            return Err(self.source.error(value.span(), message));
        };
        Ok(Section { source: self.source, start: value.span().start, shown, table, known: Vec::new() })
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=63).contains(&name.len()) && name.chars().all(plain)
}

pub(super) fn string(value: &DeValue<'_>) -> Result<String, Fault> {
    value.as_str().map(str::to_owned).ok_or_else(|| expected("a string", value))
}

pub(super) fn strings(value: &DeValue<'_>) -> Result<Vec<String>, Fault> {
    each(value, |item| Ok(item.to_owned()))
}

/// A table of strings.
pub(super) fn pairs(value: &DeValue<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let table = value.as_table().ok_or_else(|| expected("a table of strings", value))?;
    let pair = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        let read = string(value.get_ref()).map(|text| (key.get_ref().to_string(), text));
        read.map_err(|fault| Fault { span: Some(value.span()), ..fault })
    };
    table.iter().map(pair).collect()
}

/// An array of strings, each read by `read`.
pub(super) fn each<T, C: FromIterator<T>>(
    value: &DeValue<'_>,
    read: impl Fn(&str) -> Result<T, Fault>,
) -> Result<C, Fault> {
    let array = value.as_array().ok_or_else(|| expected("an array of strings", value))?;
    array
        .iter()
        .map(|item| {
            let text = item.get_ref().as_str().ok_or_else(|| expected("a string", item.get_ref()));
            text.and_then(&read).map_err(|fault| Fault { span: Some(item.span()), ..fault })
        })
        .collect()
}

/// An integer within `range`.
pub(super) fn integer(
    range: std::ops::RangeInclusive<u64>,
) -> impl FnOnce(&DeValue<'_>) -> Result<u64, Fault> {
    move |value| {
        let integer = value.as_integer().ok_or_else(|| expected("an integer", value))?;
        let digits = integer.as_str().replace('_', "");
        match u64::from_str_radix(digits.trim_start_matches('+'), integer.radix()) {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(Fault::new(format!("is out of range: {} to {}", range.start(), range.end()), None)),
        }
    }
}

fn expected(wanted: &str, value: &DeValue<'_>) -> Fault {
    Fault::new(format!("is {}, {wanted} was expected", kind(value)), None)
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
