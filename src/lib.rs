//! pgwarden: a PostgreSQL connector that is an MCP server.
//!
//! The modules stand in the order of their layers: each may name only those before it
//! (kept true by `tests/pure/architecture.rs`). A query passes them like this:
//!
//! `mcp` (frame, tool) -> `gateway` (use case) -> `sql` (parse, resolve, check) ->
//! `db` (prepare, execute) -> `gateway::output` (encode) -> `mcp` (reply).

// The futures of a call nest from the transport down to the driver: deeper than the compiler follows by default.
#![recursion_limit = "256"]

pub mod outbound;

pub mod pg;

pub mod catalog;

pub mod policy;

pub mod telemetry;

pub mod sql;

pub mod secrets;

pub mod db;

pub mod store;

pub mod audit;

pub mod auth;

pub mod tasks;

pub mod approvals;

pub mod gateway;

pub mod web;

pub mod mcp;

pub mod config;

pub mod embedded;

pub mod cli;
