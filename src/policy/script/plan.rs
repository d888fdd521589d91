//! What one login should have in one database, by a policy.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{Cut, cut};
use super::opened::opened;
use super::writes::{Writes, writes};
use crate::catalog::{Catalog, Relation, RelationKind, Routine, RowPolicy};
use crate::pg::{Oid, QualifiedName};
use crate::policy::{ColumnAccess, Policy, PolicyError};

/// What the policy does not say.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    pub role: String,
    /// Connections that the role may have at the same time.
    pub connections: u32,
    /// `statement_timeout`, where the policy has no limit of its own.
    pub seconds: u64,
    /// That of the configuration.
    pub search_path: Option<Vec<String>>,
    /// Take from PUBLIC, too, what the policy denies: functions, temporary tables, CREATE in schemas.
    pub revoke_public: bool,
    /// Leave out what needs a superuser.
    pub managed: bool,
}

/// What a session cannot raise; a superuser sets it.
pub(super) const TEMP_FILE_LIMIT: (&str, &str) = ("temp_file_limit", "256MB");

/// What one login should have. Made from a policy and a catalog, whoever read it.
#[derive(Debug)]
pub struct Plan {
    pub(super) options: PlanOptions,
    pub(super) database: String,
    pub(super) policy_version: String,
    pub(super) seconds: u64,
    pub(super) schemas: BTreeSet<String>,
    pub(super) reads: BTreeMap<QualifiedName, Read>,
    pub(super) writes: BTreeMap<QualifiedName, Writes>,
    pub(super) routines: Vec<RoutineOf>,
    /// Of the database's own, what the policy denies and a statement could call.
    pub(super) denied_routines: Vec<RoutineOf>,
}

/// What the login reads of one relation.
#[derive(Debug)]
pub(super) struct Read {
    pub oid: Oid,
    pub kind: RelationKind,
    /// By name and number; `None` for the whole, columns of the future included.
    pub columns: Option<Vec<(String, i32)>>,
    pub all: Vec<(String, i32)>,
    /// Columns with the rule that masks them.
    pub masked: Vec<(String, String)>,
    pub filters: Vec<RowFilter>,
    /// The relation had row security before, by somebody else's hand.
    pub has_row_security: bool,
}

#[derive(Debug)]
pub(super) struct RowFilter {
    pub rule: String,
    pub condition: String,
    pub policy: String,
    pub cut: Cut,
    /// Relations that it names and the login does not read.
    pub unread: Vec<QualifiedName>,
}

#[derive(Debug)]
pub(super) struct RoutineOf {
    pub oid: Oid,
    pub name: QualifiedName,
    pub arguments: String,
}

impl Read {
    /// Row security is for tables only.
    pub fn can_filter(&self) -> bool {
        matches!(self.kind, RelationKind::Table | RelationKind::PartitionedTable)
    }

    pub fn shows(&self, number: i32) -> bool {
        self.columns.as_ref().unwrap_or(&self.all).iter().any(|(_, shown)| *shown == number)
    }
}

impl Plan {
    pub fn of(policy: &Policy, catalog: &Catalog, options: PlanOptions) -> Result<Self, PolicyError> {
        let catalog = &opened(catalog);
        let mut reads = BTreeMap::new();
        for relation in catalog.relations().iter().filter(|relation| relation.kind != RelationKind::Sequence)
        {
            if let Some(read) = read(policy, relation, catalog, &options.role)? {
                reads.insert(relation.name.clone(), read);
            }
        }
        let shown: BTreeSet<QualifiedName> = reads.keys().cloned().collect();
        for filter in reads.values_mut().flat_map(|read| &mut read.filters) {
            let named = catalog.relations().iter().map(|relation| &relation.name);
            filter.unread = named
                .filter(|name| names(&filter.condition, name) && !shown.contains(name))
                .cloned()
                .collect();
        }
        let (routines, denied_routines) = routines(policy, catalog);
        let written = catalog.relations().iter().filter_map(|relation| {
            let writes = writes(policy, relation, catalog, reads.get(&relation.name))?;
            Some((relation.name.clone(), writes))
        });
        let writes: BTreeMap<QualifiedName, Writes> = written.collect();
        let schemas = reads.keys().chain(writes.keys()).chain(routines.iter().map(|routine| &routine.name));
        Ok(Self {
            database: catalog.database().to_owned(),
            policy_version: policy.version().to_owned(),
            seconds: policy.limits().map_or(options.seconds, |limits| limits.seconds),
            schemas: schemas.map(|name| name.schema.clone()).collect(),
            reads,
            writes,
            routines,
            denied_routines,
            options,
        })
    }

    pub fn role(&self) -> &str {
        &self.options.role
    }

    /// What the database sets for the login, by name.
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("default_transaction_read_only", "on".to_owned()),
            ("idle_in_transaction_session_timeout", "60s".to_owned()),
            ("lock_timeout", "5s".to_owned()),
            ("statement_timeout", format!("{}s", self.seconds)),
        ];
        if let Some(path) = &self.options.search_path {
            let path: Vec<String> = path.iter().map(|schema| crate::pg::quote_ident(schema)).collect();
            settings.push(("search_path", path.join(", ")));
        }
        settings
    }
}

fn read(
    policy: &Policy,
    relation: &Relation,
    catalog: &Catalog,
    role: &str,
) -> Result<Option<Read>, PolicyError> {
    let access = policy.access(relation, catalog);
    if !access.is_visible() {
        return Ok(None);
    }
    let number = |column: &crate::catalog::Column| (column.name.clone(), column.number);
    let pairs = || relation.columns.iter().zip(&access.columns);
    let visible: Vec<_> =
        pairs().filter(|(_, access)| access.is_visible()).map(|(column, _)| number(column)).collect();
    // A column that is added later is granted only where no rule of the policy is about columns.
    let whole = visible.len() == relation.columns.len()
        && (relation.columns.is_empty() || !policy.has_column_rules());
    let masked = pairs().filter_map(|(column, access)| match access {
        ColumnAccess::Masked(mask) => Some((column.name.clone(), mask.name.clone())),
        ColumnAccess::Clear | ColumnAccess::Denied(_) | ColumnAccess::Unreadable => None,
    });
    let mut filters = Vec::new();
    for filter in &access.filters {
        let cut = cut(&filter.condition).map_err(|message| {
            PolicyError::new(&filter.place, format!("the condition cannot be made a row policy: {message}"))
        })?;
        filters.push(RowFilter {
            rule: filter.name.clone(),
            condition: filter.condition.to_string(),
            policy: RowPolicy::name(&filter.condition, role),
            cut,
            unread: Vec::new(),
        });
    }
    let ours = relation.row_policies.iter().any(|policy| policy.name == super::apply::OTHERS);
    Ok(Some(Read {
        oid: relation.oid,
        kind: relation.kind,
        columns: (!whole).then_some(visible),
        all: relation.columns.iter().map(number).collect(),
        masked: masked.collect(),
        filters,
        has_row_security: relation.row_security && !ours,
    }))
}

/// Those that the policy allows by name, and those that it denies.
fn routines(policy: &Policy, catalog: &Catalog) -> (Vec<RoutineOf>, Vec<RoutineOf>) {
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    for routine in catalog.contents().routines.iter().filter(|routine| is_of_the_database(routine)) {
        let one =
            RoutineOf { oid: routine.oid, name: routine.name.clone(), arguments: routine.arguments.clone() };
        match policy.decide_execute(&routine.name, catalog).allowed {
            true if routine.extension.is_none() => allowed.push(one),
            // An extension's come with EXECUTE for PUBLIC.
            true => {}
            // What of an extension keeps no state and writes nothing, is left to everybody.
            false if routine.extension.is_none() || routine.volatile => denied.push(one),
            false => {}
        }
    }
    (allowed, denied)
}

fn is_of_the_database(routine: &Routine) -> bool {
    !crate::policy::is_system_schema(&routine.name.schema)
}

/// The condition has the relation's name in it, with its schema.
fn names(condition: &str, name: &QualifiedName) -> bool {
    let within = |text: &str| {
        condition.match_indices(text).any(|(at, _)| {
            let part = |c: char| c.is_alphanumeric() || c == '_';
            let before = condition.get(..at).and_then(|text| text.chars().next_back());
            let behind = condition.get(at + text.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(part) && !behind.is_some_and(part)
        })
    };
    within(&name.to_string()) || within(&name.quoted())
}
