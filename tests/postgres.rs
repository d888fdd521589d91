//! Tests against a real PostgreSQL server. `support` starts a throwaway one; `PGWARDEN_PG_BIN` chooses which.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "pure/mcp_tool_schemas.rs"]
mod mcp_tool_schemas;
#[path = "pure/mcp_wire.rs"]
#[allow(dead_code, reason = "each of the two test binaries uses its part")]
mod mcp_wire;
#[path = "support/proxy.rs"]
#[allow(dead_code, reason = "it does more for other test binaries")]
mod proxy;
mod support;

mod postgres {
    mod approvals;
    mod apps;
    mod audit;
    mod authorization;
    mod catalog_fixture;
    mod cli;
    mod constructs;
    mod db_again;
    mod db_catalog;
    mod db_login;
    mod db_network;
    mod db_run;
    mod db_tls;
    mod doc_commands;
    mod embedded;
    mod errors;
    mod extensions;
    mod failover;
    mod fidelity;
    mod fixtures;
    mod found;
    mod gateway;
    mod health;
    mod identities;
    mod investigate;
    mod kept_back;
    mod marked;
    mod mcp;
    mod notes;
    mod notifications;
    mod observability;
    mod operations;
    mod passwords;
    mod policies;
    mod policy_cases;
    mod policy_mutants;
    mod policy_script;
    mod pooler;
    mod print;
    mod probe;
    mod protect;
    mod reload;
    mod replicas;
    mod resources;
    mod saved;
    mod security;
    mod sql_cases;
    mod standby_reads;
    mod suspend;
    mod task_store;
    mod tasks;
    mod tuning;
    mod understand;
    mod walls;
    mod writes;
    mod writing;

    use pgwarden::db::{ConnectionSettings, DatabaseSettings};

    /// A database of `support` as pgwarden sees it.
    pub fn settings(url: &str) -> DatabaseSettings {
        DatabaseSettings::new("test", ConnectionSettings::parse(url, &|_| None).unwrap())
    }
}
