//! A [`Plan`] held against what a role has: what it may do beyond the policy, and what it lacks.

use std::collections::BTreeSet;
use std::fmt;

use super::builtins::DANGEROUS_BUILTINS;
use super::plan::{Plan, Read, TEMP_FILE_LIMIT};
use super::writes::word;
use crate::catalog::{RelationRights, Rights};
use crate::pg::{Oid, QualifiedName};

/// What differs is about this.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DifferenceKind {
    Login,
    Setting,
    Membership,
    Database,
    Schema,
    Relation,
    Column,
    Filter,
    Function,
    Builtin,
}

/// One difference between the policy and the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    pub kind: DifferenceKind,
    /// The database allows more than the policy; else less, or something else.
    pub more: bool,
    pub name: String,
    pub text: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", if self.more { "+" } else { "-" }, self.name, self.text)
    }
}

impl Plan {
    /// In the order of [`DifferenceKind`]. `rights` are those of the plan's role; `None` where there is none.
    pub fn compare(&self, rights: Option<&Rights>) -> Vec<Difference> {
        let mut found = Found::default();
        let Some(rights) = rights else {
            found.less(DifferenceKind::Login, self.role(), "the role does not exist");
            return found.0;
        };
        self.attributes(rights, &mut found);
        if rights.attributes.superuser {
            return found.0;
        }
        self.database(rights, &mut found);
        for (name, read) in &self.reads {
            relation(name, read, rights.relation(read.oid), &mut found);
        }
        for (name, writes) in &self.writes {
            let has = rights.relation(writes.oid).map(|has| has.writes.as_slice()).unwrap_or_default();
            let lacks = writes.grants.iter().map(|(action, _)| word(*action));
            for right in lacks.filter(|right| !has.iter().any(|has| has == right)) {
                let text = format!("the policy allows {right}, the login may not");
                found.less(DifferenceKind::Relation, &name.to_string(), &text);
            }
        }
        self.unseen(rights, &mut found);
        self.routines(rights, &mut found);
        found.0.sort_by(|a, b| (a.kind, &a.name, &a.text).cmp(&(b.kind, &b.name, &b.text)));
        found.0
    }

    fn attributes(&self, rights: &Rights, found: &mut Found) {
        let has = &rights.attributes;
        for (is, word, text) in [
            (has.superuser, "superuser", "is a superuser: nothing binds it"),
            (has.bypassrls, "bypassrls", "passes by row security"),
            (has.replication, "replication", "can stream all data"),
            (has.createrole, "createrole", "can make roles"),
            (has.createdb, "createdb", "can make databases"),
            (has.inherit && !rights.member_of.is_empty(), "inherit", "inherits what its groups may"),
        ] {
            if is {
                found.more(DifferenceKind::Login, word, text);
            }
        }
        if !has.login {
            found.less(DifferenceKind::Login, "login", "cannot log in");
        }
        let wanted = i64::from(self.options.connections);
        let limit = i64::from(has.connection_limit);
        if limit != wanted {
            let text = format!("is {limit}, not {wanted}");
            found.add(DifferenceKind::Login, limit < 0 || limit > wanted, "connection limit", &text);
        }
        for group in &rights.member_of {
            found.more(DifferenceKind::Membership, group, "the login is a member of it");
        }
        let bounded = (!self.options.managed).then(|| (TEMP_FILE_LIMIT.0, TEMP_FILE_LIMIT.1.to_owned()));
        for (name, wanted) in self.settings().into_iter().chain(bounded) {
            let set = rights.settings.iter().find_map(|setting| setting.strip_prefix(&format!("{name}=")));
            match set {
                // PostgreSQL prints a path without the quotes that it does not need.
                Some(set) if set.replace('"', "") == wanted.replace('"', "") => {}
                Some(set) => {
                    found.add(DifferenceKind::Setting, true, name, &format!("is {set}, not {wanted}"))
                }
                None => found.add(DifferenceKind::Setting, true, name, &format!("is not set to {wanted}")),
            }
        }
    }

    fn database(&self, rights: &Rights, found: &mut Found) {
        use DifferenceKind::{Database, Schema};
        if !rights.connect {
            found.less(Database, &self.database, "the login may not connect");
        }
        if rights.create {
            found.more(Database, &self.database, "the login may make schemas");
        }
        if rights.temporary && self.options.revoke_public {
            found.more(Database, &self.database, "the login may make temporary tables");
        }
        for schema in &rights.schemas {
            if schema.create && (self.options.revoke_public || !is_public(schema)) {
                found.more(Schema, &schema.name, "the login may make objects in it");
            }
        }
        for schema in &self.schemas {
            if !rights.schema(schema).is_some_and(|has| has.usage) {
                found.less(Schema, schema, "the login has no USAGE");
            }
        }
    }

    /// Relations that the policy does not show.
    fn unseen(&self, rights: &Rights, found: &mut Found) {
        for has in &rights.relations {
            let reachable = rights.schema(&has.name.schema).is_some_and(|schema| schema.usage);
            let shown = self.reads.get(&has.name).is_some_and(|read| read.oid == has.oid);
            if !shown && (has.whole || !has.columns.is_empty()) && reachable {
                found.more(
                    DifferenceKind::Relation,
                    &has.name.to_string(),
                    "the policy denies it, the login may read it",
                );
            }
            let planned = self.writes.get(&has.name).filter(|writes| writes.oid == has.oid);
            let unplanned = |right: &&String| !planned.is_some_and(|writes| writes.has(right));
            let unplanned: Vec<&str> = has.writes.iter().filter(unplanned).map(String::as_str).collect();
            if !unplanned.is_empty() && reachable {
                let text = format!("the login may {}", unplanned.join(", "));
                found.more(DifferenceKind::Relation, &has.name.to_string(), &text);
            }
            if has.owner {
                found.more(DifferenceKind::Relation, &has.name.to_string(), "the login owns it");
            }
        }
    }

    fn routines(&self, rights: &Rights, found: &mut Found) {
        use DifferenceKind::{Builtin, Function};
        let may: BTreeSet<Oid> = rights.routines.iter().copied().collect();
        let usable = |name: &QualifiedName| rights.schema(&name.schema).is_some_and(|schema| schema.usage);
        for routine in self.routines.iter().filter(|routine| !may.contains(&routine.oid)) {
            found.less(Function, &routine.shown(), "the policy allows it, the login may not call it");
        }
        for routine in self.denied_routines.iter().filter(|routine| may.contains(&routine.oid)) {
            let taken = self.options.revoke_public || rights.direct_routines.contains(&routine.oid);
            if taken && usable(&routine.name) {
                found.more(Function, &routine.shown(), "the policy denies it, the login may call it");
            }
        }
        let names: BTreeSet<&str> =
            rights.builtins.iter().map(|builtin| builtin.split('(').next().unwrap_or(builtin)).collect();
        for name in
            names.into_iter().filter(|name| DANGEROUS_BUILTINS.contains(name) && !self.options.managed)
        {
            found.more(Builtin, &format!("pg_catalog.{name}"), "the policy denies it, the login may call it");
        }
    }
}

fn is_public(schema: &crate::catalog::SchemaRights) -> bool {
    schema.name == "public"
}

fn relation(name: &QualifiedName, read: &Read, has: Option<&RelationRights>, found: &mut Found) {
    let shown = name.to_string();
    let Some(has) = has else {
        found.less(DifferenceKind::Relation, &shown, "the policy shows it, the login may not read it");
        return;
    };
    for (column, number) in &read.all {
        let column = format!("{shown}.{column}");
        match (read.shows(*number), has.columns.contains(number)) {
            (true, false) => {
                found.less(DifferenceKind::Column, &column, "the policy shows it, the login may not read it");
            }
            (false, true) => {
                found.more(DifferenceKind::Column, &column, "the policy denies it, the login may read it");
            }
            (true, true) | (false, false) => {}
        }
    }
    if has.whole && read.columns.is_some() {
        let text = "the login may read the whole, columns of the future included";
        found.more(DifferenceKind::Relation, &shown, text);
    }
    for filter in &read.filters {
        if !has.enforces(&filter.condition) {
            let text = format!("the database does not hold `{}`", filter.condition);
            found.more(DifferenceKind::Filter, &shown, &text);
        }
    }
    for policy in has.row_policies.iter().filter(|policy| policy.applies && policy.is_a_filter_of_pgwarden())
    {
        if !read.filters.iter().any(|filter| filter.policy == policy.name) {
            found.less(DifferenceKind::Filter, &shown, "a filter of an earlier policy narrows it");
        }
    }
}

impl super::plan::RoutineOf {
    fn shown(&self) -> String {
        format!("{}({})", self.name, self.arguments)
    }
}

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, kind: DifferenceKind, more: bool, name: &str, text: &str) {
        self.0.push(Difference { kind, more, name: name.to_owned(), text: text.to_owned() });
    }

    fn more(&mut self, kind: DifferenceKind, name: &str, text: &str) {
        self.add(kind, true, name, text);
    }

    fn less(&mut self, kind: DifferenceKind, name: &str, text: &str) {
        self.add(kind, false, name, text);
    }
}
