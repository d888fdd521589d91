//! Relations whose name goes on from another's in the same schema: `orders_history` from `orders`.

use std::collections::HashMap;

/// The places of names, by schema and words.
pub(super) struct Lookalikes<'n>(HashMap<(&'n str, &'n [String]), usize>);

impl<'n> Lookalikes<'n> {
    /// Schemas and names, each name as its words.
    pub(super) fn new(names: impl Iterator<Item = (&'n str, &'n [String])>) -> Self {
        let mut places = HashMap::new();
        for (at, name) in names.enumerate() {
            places.entry(name).or_insert(at);
        }
        Self(places)
    }

    /// Those that the name goes on from, the shortest first, each with the words that it adds.
    pub(super) fn bases(
        &self,
        schema: &'n str,
        name: &'n [String],
    ) -> impl Iterator<Item = (usize, &'n [String])> {
        let parts = (1..name.len()).filter_map(|end| name.split_at_checked(end));
        parts.filter_map(move |(base, more)| Some((*self.0.get(&(schema, base))?, more)))
    }
}
