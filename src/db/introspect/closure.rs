//! What hangs together over several steps: the routines that a type hides behind its parts, and those that a view
//! runs by casting to a domain.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use crate::catalog::{CatalogContents, Type, TypeKind};
use crate::pg::Oid;

/// The types that a view's stored query casts to.
#[derive(Debug, Deserialize)]
pub(super) struct ViewTypes {
    view: Oid,
    types: Vec<Oid>,
}

pub(super) fn close(mut contents: CatalogContents, view_types: Vec<ViewTypes>) -> CatalogContents {
    let closed = close_types(&contents.types);
    for one in &mut contents.types {
        if let Some(closed) = closed.get(&one.oid) {
            one.hidden_routines = closed.hidden.iter().copied().collect();
            one.text_cast_is_function = closed.text_cast_is_function;
        }
    }
    let view_types: HashMap<Oid, Vec<Oid>> = view_types.into_iter().map(|v| (v.view, v.types)).collect();
    for relation in &mut contents.relations {
        let (Some(view), Some(types)) = (&mut relation.view, view_types.get(&relation.oid)) else { continue };
        // Functions of casts show in the view's query; what does not are the CHECKs of domains.
        let checks = types.iter().filter_map(|oid| closed.get(oid)).flat_map(|closed| &closed.checks);
        let all: BTreeSet<Oid> = view.routines.iter().chain(checks).copied().collect();
        view.routines = all.into_iter().collect();
    }
    contents
}

#[derive(Default)]
struct Closed {
    hidden: BTreeSet<Oid>,
    /// Of `hidden`, those of domains.
    checks: BTreeSet<Oid>,
    text_cast_is_function: bool,
}

fn close_types(types: &[Type]) -> HashMap<Oid, Closed> {
    let by_oid: HashMap<Oid, &Type> = types.iter().map(|one| (one.oid, one)).collect();
    types.iter().map(|one| (one.oid, close_type(one, &by_oid))).collect()
}

fn close_type(start: &Type, by_oid: &HashMap<Oid, &Type>) -> Closed {
    let mut closed = Closed { text_cast_is_function: text_cast(start, by_oid), ..Closed::default() };
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(one) = open.pop() {
        if !seen.insert(one.oid) {
            continue;
        }
        closed.hidden.extend(&one.hidden_routines);
        if one.kind == TypeKind::Domain {
            closed.checks.extend(&one.hidden_routines);
        }
        let parts = one.inner.iter().chain(one.fields.iter().map(|(_, oid)| oid));
        open.extend(parts.filter_map(|oid| by_oid.get(oid).copied()));
    }
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
