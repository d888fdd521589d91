//! What 2025-11-25 lists and announces of tasks.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::mcp::tools::Listed;
use crate::policy::ToolGroup;

/// Which tools may be called as a task.
pub(super) fn may_be_task(listed: &Listed) -> bool {
    #[cfg(feature = "conformance-fixtures")]
    if crate::mcp::fixtures::tasks::may_be_task(&listed.tool.name) {
        return true;
    }
    listed.tool.name == "query" || listed.group == Some(ToolGroup::Saved)
}

pub(super) fn tools(tools: &[Listed]) -> Vec<Value> {
    let shown = |listed: &Listed| {
        let mut tool = json!(listed.tool);
        if let (Value::Object(tool), true) = (&mut tool, may_be_task(listed)) {
            tool.insert("execution".to_owned(), json!({"taskSupport": "optional"}));
        }
        tool
    };
    tools.iter().map(shown).collect()
}

/// One message on its way out; any but the answer to an `initialize` of 2025-11-25 comes back as it is.
pub(in crate::mcp) fn outbound(message: &str) -> Cow<'_, str> {
    const WORDS: [&str; 3] = [r#""protocolVersion":"2025-11-25""#, r#""serverInfo":"#, r#""capabilities":"#];
    const LONGEST: usize = 16 * 1024;
    if message.len() > LONGEST || !WORDS.iter().all(|word| message.contains(word)) {
        return Cow::Borrowed(message);
    }
    announced(message).map_or(Cow::Borrowed(message), Cow::Owned)
}

fn announced(message: &str) -> Option<String> {
    let mut message: Value = serde_json::from_str(message).ok()?;
    let capabilities = message.get_mut("result")?.get_mut("capabilities")?.as_object_mut()?;
    // The extension belongs to another revision.
    capabilities.remove("extensions");
    let requests = json!({"tools": {"call": {}}});
    capabilities.insert("tasks".to_owned(), json!({"list": {}, "cancel": {}, "requests": requests}));
    serde_json::to_string(&message).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_initialize_is_changed() {
        let answer = |version: &str| {
            let result = json!({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {}});
            json!({"jsonrpc": "2.0", "id": 1, "result": result}).to_string()
        };
        let changed: Value = serde_json::from_str(&outbound(&answer("2025-11-25"))).unwrap();
        assert_eq!(changed["result"]["capabilities"]["tasks"]["requests"]["tools"]["call"], json!({}));
        for other in [answer("2025-06-18"), answer("2026-07-28"), "{}".to_owned()] {
            assert_eq!(outbound(&other), other);
        }
    }
}
