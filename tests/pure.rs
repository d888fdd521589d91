//! Tests that need no PostgreSQL: they answer in seconds.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "differential/src/generate/generator.rs"]
mod generate;

#[path = "support/wait.rs"]
mod wait;

mod pure {
    mod architecture;
    mod audit;
    mod auth_tokens;
    mod book;
    mod cli;
    mod client_documents;
    mod client_matrix;
    mod compression;
    mod connections;
    mod corpus;
    mod docs;
    mod external;
    mod faults;
    mod generated;
    mod health;
    mod https;
    mod manual;
    mod mcp_http;
    mod mcp_http_gate;
    mod mcp_prompts;
    mod mcp_sessions;
    mod mcp_stdio;
    mod mcp_tool_groups;
    mod mcp_tool_schemas;
    mod mcp_wire;
    mod observability;
    mod packages;
    mod policy_model;
    mod policy_schema;
    mod policy_writes;
    mod probe;
    mod quick_start;
    mod saved_schema;
    mod unsupported;
    mod web;
    mod writes;
}
