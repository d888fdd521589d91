//! Which scope a frame needs: that of the tools that it calls.

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, JsonRpcMessage};
use serde_json::Value;

use crate::auth::Scope;
use crate::mcp::edge::{self, Frame};
use crate::mcp::tasks::legacy;
use crate::mcp::tools::scope_of;

/// The highest that one of its messages needs.
pub(super) fn scope(frame: &Frame<'_>) -> Scope {
    match frame {
        Frame::Message(message) => of(message),
        Frame::Batch(members) => {
            let messages = members.iter().filter_map(|member| edge::message(member.get()).ok());
            messages.map(|message| of(&message)).max().unwrap_or(Scope::Read)
        }
    }
}

fn of(message: &ClientJsonRpcMessage) -> Scope {
    let JsonRpcMessage::Request(request) = message else { return Scope::Read };
    match &request.request {
        ClientRequest::CallToolRequest(call) => scope_of(&call.params.name),
        // Calls that shall be tasks have a private name by now.
        ClientRequest::CustomRequest(custom) if legacy::renamed(&custom.method) == Some("tools/call") => {
            let params = custom.params.as_ref();
            let name = params.and_then(|params| params.get("name")).and_then(Value::as_str);
            name.map_or(Scope::Read, scope_of)
        }
        _ => Scope::Read,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn needed(frame: &Value) -> Scope {
        let text = serde_json::to_vec(frame).unwrap();
        let text = legacy::inbound(&text);
        scope(&edge::read(&text).unwrap_or_else(|fault| panic!("{fault:?}")))
    }

    #[test]
    fn what_writes_needs_write_however_it_is_called() {
        let call =
            |name: &str| json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name}});
        let as_task = |name: &str| {
            let params = json!({"name": name, "task": {}});
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        };
        for name in ["preview", "execute"] {
            for frame in [call(name), as_task(name), json!([call("query"), call(name)]), json!([call(name)])]
            {
                assert_eq!(needed(&frame), Scope::Write, "{frame}");
            }
        }
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"name": "execute"}});
        for frame in [call("query"), as_task("query"), json!([call("describe")]), list, call("Execute")] {
            assert_eq!(needed(&frame), Scope::Read, "{frame}");
        }
    }
}
