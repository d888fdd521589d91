//! Names in a policy: `schema.relation` or `schema.relation.column`, with at most one `*` in each part.

use std::fmt;

use super::Place;
use crate::pg::QualifiedName;

/// A parsed name, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    schema: Part,
    name: Part,
    column: Option<Part>,
    pub place: Place,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Exact(String),
    /// What stands before and behind the `*`.
    Star(String, String),
}

impl Pattern {
    /// Every relation of every schema.
    pub(super) fn everything(place: Place) -> Self {
        let star = || Part::Star(String::new(), String::new());
        Self { schema: star(), name: star(), column: None, place }
    }

    /// `Err` says what is wrong with the text. A part in double quotes is taken as it is.
    pub(super) fn parse(text: &str, place: Place) -> Result<Self, String> {
        let mut parts = parts(text)?.into_iter();
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(schema), Some(name), column, None) => Ok(Self { schema, name, column, place }),
            (Some(_), None, ..) => {
                Err(format!("`{text}` has no schema: write `schema.name`, or `*.{text}` for all schemas"))
            }
            _ => Err(format!("`{text}` has more than three parts: write `schema.relation.column`")),
        }
    }

    pub fn matches(&self, name: &QualifiedName) -> bool {
        self.schema.matches(&name.schema) && self.name.matches(&name.name)
    }

    /// Without a column it means all of them.
    pub fn matches_column(&self, name: &QualifiedName, column: &str) -> bool {
        self.matches(name) && self.column.as_ref().is_none_or(|part| part.matches(column))
    }

    /// It names columns, not the whole.
    pub fn is_of_columns(&self) -> bool {
        self.column.is_some()
    }

    /// The one relation or routine that it can match.
    pub fn exact(&self) -> Option<QualifiedName> {
        match (&self.schema, &self.name) {
            (Part::Exact(schema), Part::Exact(name)) => Some(QualifiedName::new(schema, name)),
            _ => None,
        }
    }
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        let (part, behind) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (name, behind) =
                    quoted.split_once('"').ok_or_else(|| format!("`{text}` has an open quote"))?;
                (Part::Exact(name.to_owned()), behind)
            }
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                let (part, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Part::parse(part, text)?, behind)
            }
        };
        if matches!(&part, Part::Exact(name) if name.is_empty()) {
            return Err(format!("`{text}` has an empty part"));
        }
        out.push(part);
        match behind.strip_prefix('.') {
            Some(next) => rest = next,
            None if behind.is_empty() => return Ok(out),
            None => return Err(format!("`{text}` has something behind a quoted part")),
        }
    }
}

impl Part {
    fn parse(text: &str, whole: &str) -> Result<Self, String> {
        match text.split_once('*') {
            None => Ok(Self::Exact(text.to_owned())),
            Some((_, behind)) if behind.contains('*') => {
                Err(format!("`{whole}` has two `*` in one part; one is allowed"))
            }
            Some((before, behind)) => Ok(Self::Star(before.to_owned(), behind.to_owned())),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Star(before, behind) => {
                name.strip_prefix(before.as_str()).is_some_and(|rest| rest.ends_with(behind.as_str()))
            }
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) if name.contains(['.', '*']) => write!(f, "\"{name}\""),
            Self::Exact(name) => f.write_str(name),
            Self::Star(before, behind) => write!(f, "{before}*{behind}"),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)?;
        self.column.as_ref().map_or(Ok(()), |column| write!(f, ".{column}"))
    }
}
