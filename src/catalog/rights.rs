//! What PostgreSQL lets one role do in a database, whoever grants it: the role itself, PUBLIC or its groups.

use serde::{Deserialize, Serialize};

use super::RowPolicy;
use crate::pg::{Oid, QualifiedName};

/// Effective rights, as `has_table_privilege` and its kin tell them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Rights {
    pub role: String,
    pub attributes: Attributes,
    /// `name=value` of this database's settings for the role.
    pub settings: Vec<String>,
    /// Roles that it is a direct member of.
    pub member_of: Vec<String>,
    pub connect: bool,
    pub temporary: bool,
    pub create: bool,
    pub schemas: Vec<SchemaRights>,
    pub relations: Vec<RelationRights>,
    /// Functions outside `pg_catalog` that it may execute and a statement can call.
    pub routines: Vec<Oid>,
    /// Functions outside `pg_catalog` on which the role itself has a grant.
    pub direct_routines: Vec<Oid>,
    /// Of the functions of `pg_catalog` that were asked for, those that it may execute.
    pub builtins: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are the columns of pg_roles")]
pub struct Attributes {
    pub login: bool,
    pub superuser: bool,
    pub createdb: bool,
    pub createrole: bool,
    pub replication: bool,
    pub bypassrls: bool,
    pub inherit: bool,
    pub connection_limit: i32,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SchemaRights {
    pub name: String,
    pub usage: bool,
    pub create: bool,
}

/// Of relations on which it has any right.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RelationRights {
    pub oid: Oid,
    pub name: QualifiedName,
    /// The numbers of the columns that it may SELECT.
    pub columns: Vec<i32>,
    /// SELECT on the whole, columns of the future included.
    pub whole: bool,
    /// `INSERT`, `UPDATE` and what else is not SELECT.
    pub writes: Vec<String>,
    pub owner: bool,
    pub row_security_binds: bool,
    pub row_policies: Vec<RowPolicy>,
}

impl Rights {
    pub fn relation(&self, oid: Oid) -> Option<&RelationRights> {
        self.relations.iter().find(|relation| relation.oid == oid)
    }

    pub fn schema(&self, name: &str) -> Option<&SchemaRights> {
        self.schemas.iter().find(|schema| schema.name == name)
    }
}

impl RelationRights {
    /// As [`super::Relation::enforces`], for this role.
    pub fn enforces(&self, condition: &str) -> bool {
        self.row_security_binds && RowPolicy::any_holds(&self.row_policies, condition)
    }
}
