//! What came in a query or in a form: each name at most once (OAuth 2.1, 3.1), a value of nothing as none.

use std::collections::BTreeMap;

/// Longer values than any that we know.
const LONGEST: usize = 4_096;
const MOST: usize = 50;

pub(super) struct Parameters<'a>(BTreeMap<&'a str, &'a str>);

/// Why they cannot be read.
pub(super) const FAULTY: &str = "a parameter stands there twice, or is too long";

impl<'a> Parameters<'a> {
    /// `None`: see [`FAULTY`].
    pub(super) fn read(pairs: &'a [(String, String)]) -> Option<Self> {
        let mut read = BTreeMap::new();
        for (name, value) in pairs {
            if value.len() > LONGEST || read.insert(name.as_str(), value.as_str()).is_some() {
                return None;
            }
        }
        (pairs.len() <= MOST).then_some(Self(read))
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied().filter(|value| !value.is_empty())
    }
}
