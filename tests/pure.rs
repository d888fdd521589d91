//! Tests that need no PostgreSQL: they answer in seconds.

mod pure {
    mod architecture;
    mod auth_tokens;
    mod docs;
    mod mcp_http;
    mod mcp_http_gate;
    mod mcp_sessions;
    mod mcp_stdio;
    mod mcp_tool_schemas;
    mod mcp_wire;
}
