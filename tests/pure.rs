//! Tests that need no PostgreSQL: they answer in seconds.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod pure {
    mod architecture;
    mod auth_tokens;
    mod cli;
    mod corpus;
    mod docs;
    mod mcp_http;
    mod mcp_http_gate;
    mod mcp_sessions;
    mod mcp_stdio;
    mod mcp_tool_schemas;
    mod mcp_wire;
    mod unsupported;
}
