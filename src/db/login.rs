//! What the login could do if nothing stood in front of it, for `doctor` and for refusing to serve.

use serde::Serialize;

/// A privilege that a pgwarden login should not have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What `--accept` takes: `superuser`, `bypassrls`, `replication`, `createrole`, `createdb`,
    /// `predefined_role:pg_read_all_data`, `owner:shop.orders`.
    pub name: String,
    pub detail: String,
    /// The statement or step that removes it.
    pub remedy: String,
}

/// What is true of the connection and its login.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Examination {
    pub database: String,
    pub login: String,
    /// As PostgreSQL prints it: `15.18 (Debian ..)`.
    pub server_version: String,
    pub server_version_num: u32,
    /// `TLSv1.3` and the like; `None` where the connection is not encrypted.
    pub tls: Option<String>,
    pub time_zone: String,
    pub in_recovery: bool,
    /// What stands between, where that can be told.
    pub pooler: Option<String>,
    pub findings: Vec<Finding>,
}
