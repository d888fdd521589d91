//! The allow-list of PostgreSQL's own functions, operators' and types' names that are refused though harmless to run.

use std::collections::BTreeSet;

const LIST: &str = include_str!("functions.txt");

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
