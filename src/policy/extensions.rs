//! Extensions that a policy may allow, each reviewed: what of it has side effects stays refused.

use crate::catalog::Routine;
use crate::pg::Oid;

/// Name, and the functions that stay refused: they keep state, run SQL from text, or change the catalog.
/// Any function that is VOLATILE stays refused too, unless it stands in [`HARMLESS_VOLATILE`].
const REVIEWED: &[(&str, &[&str])] = &[
    ("btree_gin", &[]),
    ("btree_gist", &[]),
    ("citext", &[]),
    ("cube", &[]),
    ("earthdistance", &[]),
    ("fuzzystrmatch", &[]),
    ("hstore", &["populate_record"]),
    ("intarray", &[]),
    ("isn", &["isn_weak"]),
    ("ltree", &[]),
    ("pg_trgm", &["set_limit"]),
    ("pgcrypto", &["gen_random_bytes", "gen_salt", "crypt"]),
    (
        "postgis",
        &[
            "addgeometrycolumn",
            "dropgeometrycolumn",
            "dropgeometrytable",
            "find_srid",
            "geometry_columns",
            "populate_geometry_columns",
            "postgis_extensions_upgrade",
            "postgis_full_version",
            "st_estimatedextent",
            "st_findextent",
            "updategeometrysrid",
        ],
    ),
    ("seg", &[]),
    ("unaccent", &[]),
    ("uuid-ossp", &[]),
    ("vector", &[]),
];

const HARMLESS_VOLATILE: &[(&str, &str)] = &[
    ("uuid-ossp", "uuid_generate_v1"),
    ("uuid-ossp", "uuid_generate_v1mc"),
    ("uuid-ossp", "uuid_generate_v4"),
];

/// cstring, trigger, internal.
const INTERNAL_RESULTS: &[Oid] = &[Oid(2275), Oid(2279), Oid(2281)];

/// `Err` lists those that were.
pub fn reviewed(name: &str) -> Result<(), String> {
    if REVIEWED.iter().any(|(known, _)| *known == name) {
        return Ok(());
    }
    let known: Vec<&str> = REVIEWED.iter().map(|(known, _)| *known).collect();
    Err(format!(
        "extension `{name}` was not reviewed: name its functions one by one under `execute`, or use one of {}",
        known.join(", ")
    ))
}

/// A function of a reviewed extension that may be called where the policy allows the extension.
pub fn allows(extension: &str, routine: &Routine) -> bool {
    let function = routine.name.name.as_str();
    let refused = REVIEWED.iter().find(|(known, _)| *known == extension).map(|(_, refused)| *refused);
    let listed = HARMLESS_VOLATILE.contains(&(extension, function));
    refused.is_some_and(|refused| !refused.contains(&function))
        && (!routine.volatile || listed)
        && !routine.security_definer
        && !is_plumbing(routine)
}

/// Index support, input, output and triggers: for the server to call.
fn is_plumbing(routine: &Routine) -> bool {
    let mut arguments =
        routine.arguments.split(',').filter_map(|argument| argument.split_whitespace().last());
    arguments.any(|name| matches!(name, "internal" | "cstring")) || INTERNAL_RESULTS.contains(&routine.result)
}
