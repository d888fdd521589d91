//! What stands in the place of a masked column's value.

use std::fmt;

use super::{Expression, Mask};

/// `with` of a `[[mask]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MaskKind {
    /// NULL of the column's type.
    Null,
    /// Always this text.
    Text(String),
    /// The first or last n characters; `***` for the rest, and for all of a text that is not longer.
    KeepFirst(u32),
    KeepLast(u32),
    /// The first letter and the domain.
    Email,
    /// 32 hexadecimal digits, the same for the same value: joins and groups work.
    Hash(MaskKey),
    /// Rounded down.
    Date(DatePart),
    /// Rounded down to a multiple.
    Bucket(u64),
    /// An expression of the policy's author over `value` and the columns of the row.
    Expression(Expression),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DatePart {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
}

impl DatePart {
    pub const ALL: [(&'static str, Self); 7] = [
        ("hour", Self::Hour),
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("quarter", Self::Quarter),
        ("year", Self::Year),
        ("decade", Self::Decade),
    ];

    /// As `date_trunc` takes it.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, part)| *part == self).map_or("year", |(word, _)| word)
    }
}

/// The secret of a keyed hash. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct MaskKey {
    /// The environment variable that holds it.
    pub variable: String,
    secret: String,
}

impl MaskKey {
    /// Characters that a secret has at least.
    pub const SHORTEST: usize = 16;

    pub(super) fn new(variable: &str, secret: String) -> Self {
        Self { variable: variable.to_owned(), secret }
    }

    /// To be bound as a parameter, never to be written into a statement.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaskKey({})", self.variable)
    }
}

impl Mask {
    /// What a caller may know of it. An expression may name what is hidden, and is not told.
    pub fn words(&self) -> String {
        let values = match &self.kind {
            MaskKind::Null => "every value is NULL".to_owned(),
            MaskKind::Text(text) => format!("every value is {text:?}"),
            MaskKind::KeepFirst(n) => format!("only the first {n} characters"),
            MaskKind::KeepLast(n) => format!("only the last {n} characters"),
            MaskKind::Email => "only the first letter and the domain".to_owned(),
            MaskKind::Hash(_) => "a keyed hash, the same for the same value".to_owned(),
            MaskKind::Date(part) => format!("rounded down to the {}", part.word()),
            MaskKind::Bucket(n) => format!("rounded down to a multiple of {n}"),
            MaskKind::Expression(_) => "what the policy makes of it".to_owned(),
        };
        let conditions = if self.predicates { "conditions see the mask" } else { "not in conditions" };
        format!("{values}; {conditions} ({})", self.name)
    }
}

impl fmt::Display for MaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Text(text) => write!(f, "the text {text:?}"),
            Self::KeepFirst(n) => write!(f, "the first {n}"),
            Self::KeepLast(n) => write!(f, "the last {n}"),
            Self::Email => f.write_str("e-mail"),
            Self::Hash(_) => f.write_str("a keyed hash"),
            Self::Date(part) => write!(f, "rounded down to the {}", part.word()),
            Self::Bucket(n) => write!(f, "rounded down to {n}"),
            Self::Expression(text) => write!(f, "{text}"),
        }
    }
}
