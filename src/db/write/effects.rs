//! What PostgreSQL does besides, when a relation is written to: triggers, rules, and what foreign keys pass on.

use std::collections::BTreeSet;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::pg::{Oid, QualifiedName};

pub(super) const EFFECTS: &str = include_str!("effects.sql");

/// Of one relation, as the system catalogs have them, whoever may see it. Partitions, children and what foreign keys lead
/// to are followed 16 steps deep.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
pub struct Effects {
    /// Foreign keys that change other rows, the nearest first.
    pub cascades: Vec<Cascade>,
    /// Of the relation and of all that it leads to; without PostgreSQL's own.
    pub triggers: Vec<Trigger>,
    /// Of the relation itself.
    pub rules: Vec<Rule>,
    reached: Vec<Reached>,
    /// Relations at the other end of foreign keys: PostgreSQL looks there for keys.
    linked: Vec<Oid>,
    /// A default, constraint or index calls a function that PostgreSQL has not brought itself.
    functions: bool,
}

/// What happens to a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowEvent {
    Insert,
    Update,
    Delete,
}

/// `relation` has a foreign key to `references`, whose rows are written to.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Cascade {
    /// What the statement does, for this to happen.
    pub root: RowEvent,
    pub relation: Oid,
    /// What happens to its rows.
    pub event: RowEvent,
    /// `delete`, `update`, `set null` or `set default`.
    pub action: String,
    pub references: Oid,
    /// The referenced columns. An update that leaves them alone passes nothing on.
    pub columns: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Trigger {
    pub relation: Oid,
    pub name: String,
    /// `before`, `after` or `instead of`.
    pub timing: String,
    pub events: Vec<RowEvent>,
    /// Those of `UPDATE OF`; none for all.
    pub columns: Vec<String>,
    /// For each row, else once for the statement.
    pub each_row: bool,
    /// It has a condition (`WHEN`).
    pub conditional: bool,
    pub function: QualifiedName,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Rule {
    pub name: String,
    pub event: RowEvent,
    pub instead: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
struct Reached {
    root: RowEvent,
    relation: Oid,
    event: RowEvent,
    /// By a foreign key.
    cascaded: bool,
}

impl RowEvent {
    pub const ALL: [Self; 3] = [Self::Insert, Self::Update, Self::Delete];

    pub fn word(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Effects {
    /// Those cascades that a statement sets off which does `events`.
    pub fn cascades_of<'e>(&'e self, events: &'e [RowEvent]) -> impl Iterator<Item = &'e Cascade> {
        self.cascades.iter().filter(|cascade| events.contains(&cascade.root))
    }

    /// Those triggers, of whatever relation, that fire when a statement does `events`.
    pub fn triggers_of<'e>(&'e self, events: &'e [RowEvent]) -> impl Iterator<Item = &'e Trigger> {
        let fires = |trigger: &Trigger, reached: &Reached| {
            events.contains(&reached.root)
                && reached.relation == trigger.relation
                && trigger.events.contains(&reached.event)
        };
        self.triggers.iter().filter(move |trigger| self.reached.iter().any(|reached| fires(trigger, reached)))
    }

    /// Code of the tables' owners runs, which reads and writes what it does: locks say nothing of the statement then.
    pub(super) fn runs_owners_code(&self, events: &[RowEvent]) -> bool {
        self.functions || self.triggers_of(events).next().is_some()
    }

    /// The relations whose rows may change, the statement's own with its partitions and children among them.
    pub(super) fn written(&self, events: &[RowEvent]) -> Vec<Oid> {
        let written = self.reached.iter().filter(|reached| events.contains(&reached.root));
        written.map(|reached| reached.relation).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// SHA-256; another one whenever `relation` is another table, or something else would happen besides. What functions do is
    /// not part of it.
    pub fn fingerprint(&self, relation: Oid) -> [u8; 32] {
        let Self { cascades, triggers, rules, reached, linked, functions } = self;
        let mut lines: Vec<String> = cascades.iter().map(|one| format!("{one:?}")).collect();
        lines.extend(triggers.iter().map(|one| format!("{one:?}")));
        lines.extend(rules.iter().map(|one| format!("{one:?}")));
        lines.extend(reached.iter().map(|one| format!("{one:?}")));
        lines.extend(linked.iter().map(|one| format!("{one:?}")));
        lines.sort_unstable();
        Sha256::digest(format!("{relation:?} {functions} {lines:?}")).into()
    }

    /// The relation with its partitions and children.
    pub(super) fn own(&self) -> impl Iterator<Item = Oid> {
        self.reached.iter().filter(|reached| !reached.cascaded).map(|reached| reached.relation)
    }

    pub(super) fn linked(&self) -> &[Oid] {
        &self.linked
    }
}
