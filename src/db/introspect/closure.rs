//! What hangs together over several steps: what views and policies mention, and the routines that a type hides
//! behind its parts.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use super::trees::{Mentions, Owner};
use crate::catalog::{CatalogContents, Type, TypeKind};
use crate::pg::Oid;

/// What the login may not read of a relation.
#[derive(Debug, Deserialize)]
pub(super) struct Unreadable {
    relation: Oid,
    columns: BTreeSet<i32>,
    /// Not even the number of its rows.
    everything: bool,
    row_security: bool,
    security_invoker: bool,
}

/// Fills in what the SQL files leave out.
pub(super) fn close(
    mut contents: CatalogContents,
    mentions: &HashMap<(Owner, Oid), Mentions>,
    unreadable: &[Unreadable],
) -> CatalogContents {
    let unreadable: HashMap<Oid, &Unreadable> = unreadable.iter().map(|one| (one.relation, one)).collect();
    let closed = close_types(&contents.types, mentions);
    for one in &mut contents.types {
        if let Some(closed) = closed.get(&one.oid) {
            one.hidden_routines = closed.hidden.iter().copied().collect();
            one.text_cast_is_function = closed.text_cast_is_function;
        }
    }
    for relation in &mut contents.relations {
        if let Some(read) = mentions.get(&(Owner::Policy, relation.oid)) {
            relation.row_security_reads = read.relations.iter().copied().collect();
        }
        let mentioned = mentions.get(&(Owner::Relation, relation.oid));
        let (Some(view), Some(mentioned)) = (&mut relation.view, mentioned) else { continue };
        // Functions of casts show in the view's query; what does not are the CHECKs of domains.
        let checks =
            mentioned.types.iter().filter_map(|oid| closed.get(oid)).flat_map(|closed| &closed.checks);
        let routines: BTreeSet<Oid> = mentioned.routines.iter().chain(checks).copied().collect();
        view.routines = routines.into_iter().collect();
        view.relations = mentioned.relations.iter().copied().collect();
        let columns = mentioned.columns.iter();
        view.columns = columns.map(|(oid, read)| (*oid, read.iter().copied().collect())).collect();
        view.columns.sort_unstable();
        let reads_as_its_caller = unreadable.get(&relation.oid).is_some_and(|view| view.security_invoker);
        view.shows_more = !reads_as_its_caller && shows_more(mentioned, &unreadable);
    }
    contents
}

/// The view reads columns that the login may not, or past a row security that would hold for it.
fn shows_more(mentioned: &Mentions, unreadable: &HashMap<Oid, &Unreadable>) -> bool {
    mentioned.relations.iter().filter_map(|oid| unreadable.get(oid)).any(|below| {
        let read = mentioned.columns.get(&below.relation);
        let hidden =
            |number: &i32| below.columns.contains(number) || *number == 0 && !below.columns.is_empty();
        below.row_security || below.everything || read.is_some_and(|read| read.iter().any(hidden))
    })
}

#[derive(Default)]
struct Closed {
    hidden: BTreeSet<Oid>,
    /// Of `hidden`, those of domains.
    checks: BTreeSet<Oid>,
    text_cast_is_function: bool,
}

fn close_types(types: &[Type], mentions: &HashMap<(Owner, Oid), Mentions>) -> HashMap<Oid, Closed> {
    let by_oid: HashMap<Oid, &Type> = types.iter().map(|one| (one.oid, one)).collect();
    types.iter().map(|one| (one.oid, close_type(one, &by_oid, mentions))).collect()
}

fn close_type(
    start: &Type,
    by_oid: &HashMap<Oid, &Type>,
    mentions: &HashMap<(Owner, Oid), Mentions>,
) -> Closed {
    let mut closed = Closed { text_cast_is_function: text_cast(start, by_oid), ..Closed::default() };
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(one) = open.pop() {
        if !seen.insert(one.oid) {
            continue;
        }
        closed.hidden.extend(&one.hidden_routines);
        if let Some(check) = mentions.get(&(Owner::Type, one.oid)) {
            closed.checks.extend(&check.routines);
            // A check may itself cast to another domain.
            open.extend(check.types.iter().filter_map(|oid| by_oid.get(oid).copied()));
        }
        let parts = one.inner.iter().chain(one.fields.iter().map(|(_, oid)| oid));
        open.extend(parts.filter_map(|oid| by_oid.get(oid).copied()));
    }
    closed.hidden.extend(&closed.checks);
    closed
}

/// A cast of a domain is the cast of its base type.
fn text_cast(one: &Type, by_oid: &HashMap<Oid, &Type>) -> bool {
    let mut base = one;
    while base.kind == TypeKind::Domain {
        let Some(next) = base.inner.and_then(|oid| by_oid.get(&oid)) else { break };
        base = next;
    }
    base.text_cast_is_function
}
