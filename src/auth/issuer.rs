//! Servers that give out tokens for this one, as its metadata names them (RFC 9728).

use std::collections::BTreeMap;

use super::{Scope, Scopes};

/// An authorization server, and its own words for our scopes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issuer {
    /// Its issuer identifier, byte for byte.
    pub url: String,
    words: BTreeMap<Scope, String>,
}

impl Issuer {
    /// One that says `read`, `write`, `admin` and `approve` as we do.
    pub fn new(url: impl Into<String>) -> Self {
        let words = Scope::ALL.into_iter().map(|scope| (scope, scope.word().to_owned()));
        Self { url: url.into(), words: words.collect() }
    }

    /// One with words of its own; what has none cannot be asked for there.
    pub fn with_words(url: impl Into<String>, words: BTreeMap<Scope, String>) -> Self {
        Self { url: url.into(), words }
    }

    /// What a client asks it for, to get `scopes`.
    pub fn words(&self, scopes: Scopes) -> impl Iterator<Item = &str> {
        scopes.iter().filter_map(|scope| self.words.get(&scope)).map(String::as_str)
    }
}
