//! PostgreSQL's own functions that may be called, those that a policy may add, and types that nothing may be cast to.

use std::collections::BTreeSet;

use super::pattern::Pattern;

const LIST: &str = include_str!("functions.txt");

/// Harmless but costly, or telling of the server: allowed only where a policy names them. Every other function of
/// pg_catalog stays refused whatever a policy says: it writes, locks, changes the session, or runs SQL of its own.
const ON_REQUEST: &[&str] = &[
    "inet_client_addr",
    "inet_server_addr",
    "pg_conf_load_time",
    "pg_is_in_recovery",
    "pg_postmaster_start_time",
    "pg_sleep",
    "range_agg",
    "version",
    "xpath",
    "xpath_exists",
];

/// Types of pg_catalog that no text may be cast to: reading one tells whether a hidden object exists, or means
/// something only inside the server.
const REFUSED_TYPES: &[&str] = &[
    "aclitem",
    "cid",
    "gtsvector",
    "int2vector",
    "oidvector",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_ndistinct",
    "pg_node_tree",
    "refcursor",
    "regclass",
    "regcollation",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "txid_snapshot",
    "pg_snapshot",
    "tid",
    "xid",
    "xid8",
];

/// The names in the list.
pub fn allowed() -> BTreeSet<&'static str> {
    LIST.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect()
}

pub fn is_refused_type(name: &str) -> bool {
    REFUSED_TYPES.contains(&name)
}

/// May a policy's `execute` name this? `Err` says why not.
pub fn may_be_named(pattern: &Pattern) -> Result<(), String> {
    let Some(name) = pattern.exact() else {
        return if pattern.to_string().starts_with("pg_") {
            Err("functions of pg_catalog are named one by one".to_owned())
        } else {
            Ok(())
        };
    };
    let known = || ON_REQUEST.contains(&name.name.as_str()) || allowed().contains(name.name.as_str());
    match name.schema.as_str() {
        "pg_catalog" if !known() => {
            Err(format!("`{name}` cannot be allowed: a policy may add only {}", ON_REQUEST.join(", ")))
        }
        "information_schema" => Err(format!("`{name}` cannot be allowed")),
        _ => Ok(()),
    }
}

/// A function of pg_catalog that only a policy can allow.
pub fn is_on_request(name: &str) -> bool {
    ON_REQUEST.contains(&name)
}
