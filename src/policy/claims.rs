//! What a caller's identity says of them: `role`, `tenant`, and the like.

use std::collections::BTreeMap;

/// Claims by name. Values are text; a condition gives them the type of what they are compared with.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Claims(BTreeMap<String, String>);

impl Claims {
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The claim is `value`, or a list, with commas or spaces between, that has it.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.get(name).is_some_and(|claim| {
            claim == value || claim.split([',', ' ']).any(|one| !one.is_empty() && one == value)
        })
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

#[cfg(test)]
mod tests {
    use super::Claims;

    #[test]
    fn a_claim_with_several_values_has_each_of_them_and_no_part_of_one() {
        let claims: Claims = [("role", "support, analyst"), ("team", "north east")].into_iter().collect();
        for (name, value) in
            [("role", "support"), ("role", "analyst"), ("team", "east"), ("team", "north east")]
        {
            assert!(claims.has(name, value), "{name} {value}");
        }
        for (name, value) in [("role", "sup"), ("role", ""), ("role", "Support"), ("group", "support")] {
            assert!(!claims.has(name, value), "{name} {value}");
        }
    }
}
