//! Names with `*` in them: `shop.order*`, `*.email`, `shop.*.created_at`.

use super::RelationHit;
use crate::catalog::{Relation, Routine};
use crate::gateway::visible::Visible;

/// One to three parts, each with `*` for anything. Upper and lower case are the same.
pub(super) struct Pattern(Vec<String>);

impl Pattern {
    /// `None` where the question is words.
    pub(super) fn read(question: &str) -> Option<Self> {
        let is_one = question.contains('*') && !question.contains(char::is_whitespace);
        let parts: Vec<String> = question.to_lowercase().split('.').map(str::to_owned).collect();
        (is_one && parts.len() <= 3).then_some(Self(parts))
    }

    /// A relation by its own name; else by columns, which are then those that match.
    pub(super) fn hit<'c>(&self, visible: &Visible<'c>, relation: &'c Relation) -> Option<RelationHit<'c>> {
        let (schema, name) = (&relation.name.schema, &relation.name.name);
        let itself = match self.0.as_slice() {
            [one] => is_like(name, one),
            [of, one] => is_like(schema, of) && is_like(name, one),
            _ => false,
        };
        let has = |column: &str| match self.0.as_slice() {
            [one] => is_like(column, one),
            [of, one] => is_like(name, of) && is_like(column, one),
            [top, of, one] => is_like(schema, top) && is_like(name, of) && is_like(column, one),
            _ => false,
        };
        let columns = visible.columns(relation).map(|column| column.name.as_str());
        let columns: Vec<&str> = columns.filter(|column| itself || has(column)).collect();
        (itself || !columns.is_empty()).then_some(RelationHit { relation, columns, similar: Vec::new() })
    }

    /// Of something that stands in no schema.
    pub(super) fn has_name(&self, name: &str) -> bool {
        matches!(self.0.as_slice(), [one] if is_like(name, one))
    }

    pub(super) fn has_routine(&self, routine: &Routine) -> bool {
        let (schema, name) = (&routine.name.schema, &routine.name.name);
        match self.0.as_slice() {
            [one] => is_like(name, one),
            [of, one] => is_like(schema, of) && is_like(name, one),
            _ => false,
        }
    }
}

fn is_like(name: &str, pattern: &str) -> bool {
    let name = name.to_lowercase();
    let Some((start, rest)) = pattern.split_once('*') else { return name == pattern };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some((_, behind)) = left.split_once(piece) else { return false };
        left = behind;
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::{Pattern, is_like};

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, wanted) in [
            ("*", "orders", true),
            ("order*", "Orders", true),
            ("order*", "my_orders", false),
            ("*_id", "customer_id", true),
            ("*_id", "ids", false),
            ("o*d*s", "orders", true),
            ("o*dd*s", "orders", false),
            ("ab*ba", "aba", false),
            ("email", "email", true),
        ] {
            assert_eq!(is_like(name, pattern), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn words_are_no_pattern() {
        assert!(Pattern::read("shop.order*").is_some());
        for words in ["orders", "5 * 7", "shop.orders", "a.b.c.*"] {
            assert!(Pattern::read(words).is_none(), "{words}");
        }
    }
}
