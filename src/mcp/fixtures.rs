//! What the MCP conformance suite asks of a server: its tools, prompts and resources, over the same router, edge and task
//! store as the product's. Compiled in by the feature `conformance-fixtures` only, which no release has.

#[cfg(not(debug_assertions))]
compile_error!("`conformance-fixtures` is for tests: no release has it");

mod asking;
mod content;
mod media;
pub(super) mod prompts;
pub(super) mod resources;
mod retried;
pub(super) mod tasks;
mod telling;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::handler::Handler;
use super::tools::Listed;
use crate::auth::Caller;

/// The tool that comes and goes with [`CHANGE`].
const CHANGING: &str = "test_changing_tool";
const CHANGE: &str = "test_trigger_tool_change";

/// What the fixtures of one server share.
#[derive(Clone, Debug, Default)]
pub(super) struct State(Arc<AtomicBool>);

pub(super) fn listed(state: &State) -> impl Iterator<Item = Listed> + use<> {
    let changing = state.0.load(Ordering::SeqCst).then_some((CHANGING, "Comes and goes."));
    let plain = [asking::TOOLS, retried::TOOLS, tasks::TOOLS, telling::TOOLS].concat();
    let plain = plain.into_iter().chain([(CHANGE, "Changes the list of tools.")]).chain(changing);
    let open = |(name, words)| Tool::new(name, words, object(json!({"type": "object"})));
    content::tools().into_iter().chain(plain.map(open)).map(|tool| Listed::new(None, tool))
}

/// `None`: it is not one of these.
pub(super) async fn call(
    handler: &Handler,
    request: &CallToolRequestParams,
    caller: &Caller,
    cx: &RequestContext<RoleServer>,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let name = request.name.as_ref();
    if let Some(result) = content::answer(name) {
        return Some(result.map(Into::into));
    }
    if name == CHANGE {
        handler.fixtures.0.fetch_xor(true, Ordering::SeqCst);
        handler.gateway.tools_changed();
        return Some(Ok(said("changed").into()));
    }
    let arguments = request.arguments.clone().unwrap_or_default();
    if telling::TOOLS.iter().any(|(known, _)| *known == name) {
        return Some(telling::call(name, cx).await.map(Into::into));
    }
    if asking::TOOLS.iter().any(|(known, _)| *known == name) {
        return Some(asking::call(name, &arguments, cx).await.map(Into::into));
    }
    if retried::TOOLS.iter().any(|(known, _)| *known == name) {
        let given = json!(request.input_responses);
        return Some(retried::call(name, &given, request.request_state.as_deref(), cx));
    }
    tasks::call(handler, request, caller, cx).await
}

fn said(text: &str) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn object(schema: Value) -> Arc<JsonObject> {
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}

/// A value of the protocol as it is written on the wire.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}
