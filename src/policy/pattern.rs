//! Names of relations in a policy: `schema.relation`, with at most one `*` in each part.

use std::fmt;

use crate::pg::QualifiedName;

/// A parsed pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    schema: Part,
    name: Part,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Exact(String),
    /// What stands before and behind the `*`.
    Star(String, String),
}

impl Pattern {
    /// Every relation of every schema.
    pub fn everything() -> Self {
        let star = || Part::Star(String::new(), String::new());
        Self { schema: star(), name: star() }
    }

    /// `Err` says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((schema, name)) = text.split_once('.') else {
            return Err(format!(
                "`{text}` has no schema: write `schema.relation`, or `*.{text}` for all schemas"
            ));
        };
        if name.contains('.') {
            return Err(format!("`{text}` has more than two parts: write `schema.relation`"));
        }
        Ok(Self { schema: Part::parse(schema, text)?, name: Part::parse(name, text)? })
    }

    pub fn matches(&self, name: &QualifiedName) -> bool {
        self.schema.matches(&name.schema) && self.name.matches(&name.name)
    }

    /// The one relation that it can match.
    pub fn exact(&self) -> Option<QualifiedName> {
        match (&self.schema, &self.name) {
            (Part::Exact(schema), Part::Exact(name)) => Some(QualifiedName::new(schema, name)),
            _ => None,
        }
    }
}

impl Part {
    fn parse(text: &str, whole: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(format!("`{whole}` has an empty part"));
        }
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

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |part: &Part| match part {
            Part::Exact(name) => name.clone(),
            Part::Star(before, behind) => format!("{before}*{behind}"),
        };
        write!(f, "{}.{}", part(&self.schema), part(&self.name))
    }
}
