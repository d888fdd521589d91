//! What a caller's identity says of them: `role`, `tenant`, and the like.

use std::collections::BTreeMap;

/// Claims by name. Values are text; a condition gives them the type of what they are compared with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Claims(BTreeMap<String, String>);

impl Claims {
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Claims {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
