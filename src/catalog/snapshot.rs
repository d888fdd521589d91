//! The snapshot and its look-ups.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Relation, Routine, Type};
use crate::pg::{Oid, QualifiedName};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Schema {
    pub oid: Oid,
    pub name: String,
    pub comment: Option<String>,
    /// The login has USAGE on it.
    pub usable: bool,
    /// Who may create objects in it besides superusers, its owner and the database's: names of roles, or `PUBLIC`.
    #[serde(default)]
    pub creators: Vec<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Extension {
    pub name: String,
    pub schema: String,
    pub version: String,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Operator {
    pub name: QualifiedName,
    /// The function behind it (`pg_operator.oprcode`).
    pub routine: Oid,
    /// The types of its one or two operands.
    pub operands: Vec<Oid>,
    pub extension: Option<String>,
}

/// What `db::introspect` reads, before it is indexed. `pg_catalog` gives routines, operators and types, no relations.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct CatalogContents {
    pub database: String,
    /// `server_version_num`, such as 150018.
    pub server_version: u32,
    pub login: String,
    /// The effective search path for unqualified names, existing schemas only, without `pg_catalog` and `pg_temp`.
    pub search_path: Vec<String>,
    pub comment: Option<String>,
    pub schemas: Vec<Schema>,
    pub relations: Vec<Relation>,
    pub routines: Vec<Routine>,
    pub types: Vec<Type>,
    pub operators: Vec<Operator>,
    pub extensions: Vec<Extension>,
    /// Functions of the casts that PostgreSQL brings itself.
    pub builtin_casts: Vec<Oid>,
    /// Relations of the system schemas that the driver's own type look-ups lock (with their indexes).
    pub driver_relations: Vec<Oid>,
}

/// An immutable, indexed snapshot.
#[derive(Debug)]
pub struct Catalog {
    contents: CatalogContents,
    relation_by_name: HashMap<QualifiedName, usize>,
    relation_by_oid: HashMap<Oid, usize>,
    routine_by_oid: HashMap<Oid, usize>,
    routines_by_name: HashMap<QualifiedName, Vec<usize>>,
    type_by_oid: HashMap<Oid, usize>,
    type_by_name: HashMap<QualifiedName, usize>,
    operators_by_name: HashMap<QualifiedName, Vec<usize>>,
    children: HashMap<Oid, Vec<Oid>>,
    builtin_plumbing: HashSet<Oid>,
}

impl Catalog {
    pub fn new(contents: CatalogContents) -> Self {
        let mut children: HashMap<Oid, Vec<Oid>> = HashMap::new();
        for relation in &contents.relations {
            for parent in &relation.parents {
                children.entry(*parent).or_default().push(relation.oid);
            }
        }
        Self {
            relation_by_name: unique(&contents.relations, |r| r.name.clone()),
            relation_by_oid: unique(&contents.relations, |r| r.oid),
            routine_by_oid: unique(&contents.routines, |r| r.oid),
            routines_by_name: grouped(&contents.routines, |r| r.name.clone()),
            type_by_oid: unique(&contents.types, |t| t.oid),
            type_by_name: unique(&contents.types, |t| t.name.clone()),
            operators_by_name: grouped(&contents.operators, |o| o.name.clone()),
            children,
            builtin_plumbing: plumbing(&contents),
            contents,
        }
    }

    pub fn contents(&self) -> &CatalogContents {
        &self.contents
    }

    pub fn database(&self) -> &str {
        &self.contents.database
    }

    pub fn search_path(&self) -> &[String] {
        &self.contents.search_path
    }

    pub fn relations(&self) -> &[Relation] {
        &self.contents.relations
    }

    pub fn schema(&self, name: &str) -> Option<&Schema> {
        self.contents.schemas.iter().find(|schema| schema.name == name)
    }

    pub fn relation(&self, name: &QualifiedName) -> Option<&Relation> {
        self.relation_by_name.get(name).and_then(|at| self.contents.relations.get(*at))
    }

    pub fn relation_by_oid(&self, oid: Oid) -> Option<&Relation> {
        self.relation_by_oid.get(&oid).and_then(|at| self.contents.relations.get(*at))
    }

    /// Direct partitions and inheritance children.
    pub fn children(&self, oid: Oid) -> &[Oid] {
        self.children.get(&oid).map_or(&[], Vec::as_slice)
    }

    pub fn routine_by_oid(&self, oid: Oid) -> Option<&Routine> {
        self.routine_by_oid.get(&oid).and_then(|at| self.contents.routines.get(*at))
    }

    /// Every overload of that name in that schema.
    pub fn routines(&self, name: &QualifiedName) -> impl Iterator<Item = &Routine> {
        let at = self.routines_by_name.get(name).map_or(&[][..], Vec::as_slice);
        at.iter().filter_map(|at| self.contents.routines.get(*at))
    }

    pub fn operators(&self, name: &QualifiedName) -> impl Iterator<Item = &Operator> {
        let at = self.operators_by_name.get(name).map_or(&[][..], Vec::as_slice);
        at.iter().filter_map(|at| self.contents.operators.get(*at))
    }

    pub fn type_by_oid(&self, oid: Oid) -> Option<&Type> {
        self.type_by_oid.get(&oid).and_then(|at| self.contents.types.get(*at))
    }

    pub fn type_by_name(&self, name: &QualifiedName) -> Option<&Type> {
        self.type_by_name.get(name).and_then(|at| self.contents.types.get(*at))
    }

    /// The function stands behind an operator of pg_catalog or is pg_catalog's own cast function.
    pub fn is_operator_or_cast_of_pg_catalog(&self, routine: Oid) -> bool {
        self.builtin_plumbing.contains(&routine)
    }
}

fn plumbing(contents: &CatalogContents) -> HashSet<Oid> {
    let operators = contents.operators.iter().filter(|o| o.name.schema == "pg_catalog").map(|o| o.routine);
    operators.chain(contents.builtin_casts.iter().copied()).collect()
}

fn unique<T, K: std::hash::Hash + Eq>(items: &[T], key: impl Fn(&T) -> K) -> HashMap<K, usize> {
    items.iter().enumerate().map(|(at, item)| (key(item), at)).collect()
}

fn grouped<T, K: std::hash::Hash + Eq>(items: &[T], key: impl Fn(&T) -> K) -> HashMap<K, Vec<usize>> {
    let mut out: HashMap<K, Vec<usize>> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        out.entry(key(item)).or_default().push(at);
    }
    out
}
