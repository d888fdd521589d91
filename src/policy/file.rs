//! The policy file: TOML to [`Policy`]. What is not understood is an error with its line and column.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::decide::{Policy, Rule};
use super::functions;
use super::pattern::Pattern;

/// A policy file that cannot be used: nothing is loaded from it.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct PolicyError {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: toml::Spanned<u32>,
    description: Option<String>,
    #[serde(default)]
    allow: Vec<Grant>,
    #[serde(default)]
    deny: Vec<Denial>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    select: Vec<toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Denial {
    select: Vec<toml::Spanned<String>>,
    reason: Option<String>,
}

impl Policy {
    /// Reads a policy file's text; `file` only serves messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, PolicyError> {
        let error = |at: usize, message: String| {
            let (line, column) = line_and_column(text, at);
            PolicyError { file: file.to_owned(), line, column, message }
        };
        let parsed: File = toml::from_str(text)
            .map_err(|e| error(e.span().map_or(0, |span| span.start), explain(e.message())))?;
        if *parsed.version.get_ref() != 1 {
            let found = parsed.version.get_ref();
            return Err(error(
                parsed.version.span().start,
                format!("version {found} is not known; write version = 1"),
            ));
        }
        let patterns = |names: &[toml::Spanned<String>]| {
            names
                .iter()
                .map(|name| {
                    Pattern::parse(name.get_ref()).map_err(|message| error(name.span().start, message))
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let mut allow = Vec::new();
        for (at, grant) in parsed.allow.iter().enumerate() {
            allow.push(Rule {
                name: format!("allow[{}]", at + 1),
                select: patterns(&grant.select)?,
                reason: None,
            });
        }
        let mut deny = Vec::new();
        for (at, denial) in parsed.deny.into_iter().enumerate() {
            let select = patterns(&denial.select)?;
            deny.push(Rule { name: format!("deny[{}]", at + 1), select, reason: denial.reason });
        }
        Ok(Self {
            version: fingerprint(text),
            description: parsed.description,
            allow,
            deny,
            functions: functions::allowed(),
        })
    }
}

/// The first 12 hex digits of the text's SHA-256.
fn fingerprint(text: &str) -> String {
    Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// serde's words for an unknown key, with the nearest known one.
fn explain(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match (message.starts_with("unknown field"), quoted.next()) {
        (true, Some(unknown)) => match crate::catalog::closest(unknown, quoted) {
            Some(known) => format!("unknown key `{unknown}`: did you mean `{known}`?"),
            None => message.replace("unknown field", "unknown key"),
        },
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_an_error_with_place_and_suggestion() {
        let error = Policy::parse("version = 1\n[[deny]]\nselekt = [\"a.b\"]\n", "p.toml").unwrap_err();
        assert_eq!(error.to_string(), "p.toml:3:1: unknown key `selekt`: did you mean `select`?");
    }

    #[test]
    fn a_name_without_schema_is_an_error_at_the_name() {
        let error =
            Policy::parse("version = 1\n[[allow]]\nselect = [\"x.*\", \"orders\"]\n", "p.toml").unwrap_err();
        assert!(error.to_string().starts_with("p.toml:3:18: `orders` has no schema"), "{error}");
    }

    #[test]
    fn a_duplicate_key_and_an_unknown_version_are_errors() {
        assert!(Policy::parse("version = 1\nversion = 1\n", "p").is_err());
        assert!(Policy::parse("version = 2\n", "p").unwrap_err().message.contains("version = 1"));
        assert!(Policy::parse("", "p").is_err());
    }
}
