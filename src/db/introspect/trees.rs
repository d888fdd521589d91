//! What stored expressions mention: views, row security policies and CHECKs, in the form that PostgreSQL keeps them
//! (`pg_node_tree`), which shows functions, operators and relations by their OIDs, however the SQL was written.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use crate::pg::Oid;

/// What PostgreSQL adds to a column number in a set of columns (FirstLowInvalidHeapAttributeNumber).
const FIRST_COLUMN_NUMBER: i32 = 7;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Owner {
    /// A view or materialized view.
    Relation,
    /// A relation with row security.
    Policy,
    /// A domain.
    Type,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tree {
    owner: Owner,
    oid: Oid,
    tree: String,
}

/// The function behind each operator.
#[derive(Debug, Deserialize)]
pub(super) struct OperatorFunction {
    oid: Oid,
    routine: Oid,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Mentions {
    pub relations: BTreeSet<Oid>,
    pub routines: BTreeSet<Oid>,
    /// Types that something is cast to.
    pub types: BTreeSet<Oid>,
    /// Column numbers read of each relation; 0 stands for the whole row.
    pub columns: HashMap<Oid, BTreeSet<i32>>,
    operators: BTreeSet<Oid>,
}

/// The mentions of each owner, operators turned into their functions.
pub(super) fn mentions(trees: &[Tree], operators: &[OperatorFunction]) -> HashMap<(Owner, Oid), Mentions> {
    let functions: HashMap<Oid, Oid> = operators.iter().map(|one| (one.oid, one.routine)).collect();
    let mut out: HashMap<(Owner, Oid), Mentions> = HashMap::new();
    for tree in trees {
        out.entry((tree.owner, tree.oid)).or_default().read(&tree.tree);
    }
    for ((_, oid), mentions) in &mut out {
        // A view's own entries for OLD and NEW.
        mentions.relations.remove(oid);
        mentions.routines.extend(mentions.operators.iter().filter_map(|operator| functions.get(operator)));
    }
    out
}

impl Mentions {
    /// Fields are written `:name value`; a space within a value has a backslash before it, so no name can forge one.
    fn read(&mut self, tree: &str) {
        let mut words = tree.split([' ', '\n']).map(|word| word.trim_end_matches(['}', ')'])).peekable();
        let mut relation = Oid(0);
        while let Some(word) = words.next() {
            let set = match word {
                ":relid" => &mut self.relations,
                ":funcid" | ":aggfnoid" | ":winfnoid" | ":opfuncid" | ":hashfuncid" | ":negfuncid"
                | ":tsmhandler" | ":startInRangeFunc" | ":endInRangeFunc" => &mut self.routines,
                ":opno" | ":eqop" | ":sortop" => &mut self.operators,
                ":resulttype" => &mut self.types,
                // A set: `:selectedCols (b 8 9)`, numbered from the first system column, which is -7.
                ":selectedCols" => {
                    words.next_if_eq(&"(b");
                    let read = self.columns.entry(relation).or_default();
                    while let Some(number) = words.peek().and_then(|word| word.parse::<i32>().ok()) {
                        read.insert(number - FIRST_COLUMN_NUMBER);
                        words.next();
                    }
                    continue;
                }
                // A list: `:opnos (o 97 97)`.
                ":opnos" => {
                    words.next_if_eq(&"(o");
                    while let Some(operator) = words.peek().and_then(|word| word.parse().ok()) {
                        self.operators.insert(Oid(operator));
                        words.next();
                    }
                    continue;
                }
                _ => continue,
            };
            if let Some(oid) = words.peek().and_then(|word| word.parse().ok()).filter(|oid| *oid != 0) {
                set.insert(Oid(oid));
                if word == ":relid" {
                    relation = Oid(oid);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tree: &str) -> Mentions {
        let mut mentions = Mentions::default();
        mentions.read(tree);
        mentions
    }

    fn oids<const N: usize>(numbers: [u32; N]) -> BTreeSet<Oid> {
        numbers.into_iter().map(Oid).collect()
    }

    #[test]
    fn oids_are_found_wherever_they_stand() {
        let tree = "({QUERY :rtable ({RTE :relid 16385 :relkind r} {RTE :relid 0}) :x {FUNCEXPR :funcid 77} \
            {OPEXPR :opno 96 :opfuncid 65} {ROWCOMPAREEXPR :opnos (o 97 98) :opfamilies (o 1)} \
            {COERCETODOMAIN :resulttype 16400}})";
        let mentions = read(tree);
        assert_eq!(mentions.relations, oids([16385]));
        assert_eq!(mentions.routines, oids([77, 65]));
        assert_eq!(mentions.operators, oids([96, 97, 98]));
        assert_eq!(mentions.types, oids([16400]));
    }

    #[test]
    fn the_columns_read_are_those_of_the_relation_before_them() {
        let mentions = read(
            "{RTE :relid 16385 :requiredPerms 2 :selectedCols (b 7 9) :insertedCols (b)} {RTE :relid 9}",
        );
        assert_eq!(mentions.columns[&Oid(16385)], BTreeSet::from([0, 2]));
        assert!(!mentions.columns.contains_key(&Oid(9)));
    }

    #[test]
    fn a_name_that_looks_like_a_field_hides_nothing() {
        let mentions = read("{ALIAS :aliasname :funcid :colnames (\"a\\ :relid\\ 5\")} {RTE :relid 7}");
        assert_eq!(mentions.relations, oids([7]));
        assert_eq!(mentions.routines, oids([]));
    }
}
