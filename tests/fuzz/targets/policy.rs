//! Any text as a policy file: an error with its place, or a policy that never shows what the login may not read.

#![no_main]

use std::sync::LazyLock;

use pgwarden::catalog::{Catalog, CatalogContents};
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, check};

const CONTENTS: &str = include_str!("../../fixtures/catalog.json");
/// Refused whatever a policy says: the login has no right to any of it.
const NEVER: [&str; 4] = [
    "SELECT * FROM secrets",
    "SELECT ssn FROM customers",
    "SELECT amount FROM private.salaries",
    "SELECT rolname FROM pg_catalog.pg_authid",
];
const SOMETIMES: [&str; 2] = [
    "SELECT * FROM orders JOIN customers USING (id) WHERE total > 1",
    "SELECT count(*), lower('A') FROM events",
];

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let contents: CatalogContents = serde_json::from_str(CONTENTS).expect("the fixture is a catalog");
    Catalog::new(contents)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let policy = match Policy::parse(text, "fuzz.toml") {
        Ok(policy) => policy,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let again = Policy::parse(text, "again.toml").expect("it was read before");
    assert_eq!(policy.version(), again.version());
    let cx = CheckContext::new(&CATALOG, &policy);
    for sql in NEVER {
        assert!(check(sql, &cx).is_err(), "{sql}");
    }
    for sql in SOMETIMES {
        let _ = check(sql, &cx);
    }
});
