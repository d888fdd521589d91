//! Tests against a real PostgreSQL server. `support` starts a throwaway one; `PGWARDEN_PG_BIN` chooses which.

mod support;

mod postgres {
    mod db_catalog;
    mod db_login;
    mod embedded;
    mod fixtures;
    mod print;
    mod security;
    mod sql_cases;

    use pgwarden::db::{ConnectionSettings, DatabaseSettings};

    /// A database of `support` as pgwarden sees it.
    pub fn settings(url: &str) -> DatabaseSettings {
        DatabaseSettings::new("test", ConnectionSettings::parse(url, &|_| None).unwrap())
    }
}
