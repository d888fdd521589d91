//! Which names are meant by what is typed, the likeliest first.

use crate::pg::QualifiedName;

/// Likeness of two names, from 0 to 1, from which on one is taken for the other.
const LIKE: f64 = 0.6;
/// What is shorter is like everything.
const SHORTEST: usize = 3;

/// A value, and what of it somebody may begin with.
pub(super) struct Candidate {
    pub value: String,
    /// In lower case.
    keys: Vec<String>,
}

impl Candidate {
    pub(super) fn new(name: &str) -> Self {
        Self { value: name.to_owned(), keys: vec![name.to_lowercase()] }
    }

    /// By its own name, too.
    pub(super) fn qualified(name: &QualifiedName) -> Self {
        let value = name.to_string();
        let keys = vec![value.to_lowercase(), name.name.to_lowercase()];
        Self { value, keys }
    }

    /// 0 is best; `None`: it is not meant.
    fn distance(&self, typed: &str) -> Option<f64> {
        let distances = self.keys.iter().filter_map(|key| distance(key, typed));
        distances.min_by(f64::total_cmp)
    }
}

/// Those that begin so, those of which a word does, those that have it inside, those that are nearly so.
pub(super) fn in_order(candidates: Vec<Candidate>, typed: &str) -> Vec<String> {
    let typed = typed.trim().to_lowercase();
    let mut found: Vec<(f64, String)> = candidates
        .into_iter()
        .filter_map(|candidate| Some((candidate.distance(&typed)?, candidate.value)))
        .collect();
    // Stable: equals stay as they were.
    found.sort_by(|left, right| left.0.total_cmp(&right.0));
    found.into_iter().map(|(_, value)| value).collect()
}

fn distance(key: &str, typed: &str) -> Option<f64> {
    if key.starts_with(typed) {
        return Some(0.0);
    }
    if key.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with(typed)) {
        return Some(1.0);
    }
    if key.contains(typed) {
        return Some(2.0);
    }
    let length = typed.chars().count();
    if length < SHORTEST {
        return None;
    }
    // Somebody may have typed a part of it.
    let begin: String = key.chars().take(length).collect();
    let likeness = strsim::normalized_damerau_levenshtein(key, typed)
        .max(strsim::normalized_damerau_levenshtein(&begin, typed));
    (likeness >= LIKE).then_some(4.0 - likeness)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str], typed: &str) -> Vec<String> {
        in_order(names.iter().map(|name| Candidate::new(name)).collect(), typed)
    }

    #[test]
    fn the_beginning_goes_before_a_word_before_a_part_before_what_is_like_it() {
        let names = ["reorders", "old_orders", "Orders", "order_items", "odrers", "customers"];
        assert_eq!(found(&names, "order"), ["Orders", "order_items", "old_orders", "reorders", "odrers"]);
        assert_eq!(found(&names, "ORDER_"), ["order_items", "Orders", "odrers", "reorders"]);
        assert_eq!(found(&names, "cutsomer"), ["customers"]);
        assert_eq!(found(&names, "cusotm"), ["customers"]);
        assert_eq!(found(&names, "zz"), [""; 0]);
        assert_eq!(found(&names, ""), names);
    }

    #[test]
    fn a_qualified_name_is_found_by_both_its_halves() {
        let name = QualifiedName::new("shop", "Odd Name");
        for typed in ["shop.", "odd", "name", "\"odd", "shop.\"odd"] {
            let found = in_order(vec![Candidate::qualified(&name)], typed);
            assert_eq!(found, ["shop.\"Odd Name\""], "{typed}");
        }
    }
}
