//! What the server can do, as it says in `initialize` and `server/discover`.

use rmcp::model::ServerCapabilities;

/// `pushes`: changes can be told.
pub(super) fn of(pushes: bool) -> ServerCapabilities {
    let builder = ServerCapabilities::builder()
        .enable_tools()
        .enable_resources()
        .enable_prompts()
        .enable_completions()
        .enable_tasks();
    #[cfg(feature = "conformance-fixtures")]
    #[expect(deprecated, reason = "the suite asks for it")]
    let builder = builder.enable_logging();
    if !pushes {
        return builder.build();
    }
    builder.enable_tool_list_changed().enable_resources_list_changed().enable_resources_subscribe().build()
}
