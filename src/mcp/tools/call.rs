//! One call of a tool: what it came with, and the ways to reply to it.

use rmcp::model::{CallToolResult, InputRequiredResult, JsonObject, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    advise_indexes, database_health, describe, execute, explain, fetch, investigate, preview, query, saved,
    search, search_objects, task_cancel, task_result, top_queries,
};
use crate::auth::Caller;
use crate::gateway::{Gateway, TaskView};
use crate::mcp::arguments::{Arguments, text_of};
use crate::mcp::elicitation::Resumed;
use crate::mcp::handler::Handler;
use crate::mcp::own_login;
use crate::mcp::reply::{self, ToolReply};
use crate::pg::Diagnostic;
use crate::policy::ToolGroup;

/// What a tool call came to.
pub(in crate::mcp) enum Called {
    Reply(CallToolResult),
    /// It goes on as a task, and the client has said that it knows what that is.
    Task(TaskView),
    /// The client is asked for something, and calls again.
    Asks(InputRequiredResult),
}

pub(in crate::mcp) struct Call<'c> {
    pub(in crate::mcp) handler: &'c Handler,
    pub(in crate::mcp) tool: &'c Tool,
    pub(in crate::mcp) given: Option<JsonObject>,
    pub(in crate::mcp) caller: &'c Caller,
    pub(in crate::mcp) cx: &'c RequestContext<RoleServer>,
    pub(in crate::mcp) cancel: &'c CancellationToken,
    pub(in crate::mcp) resumed: Resumed,
}

impl Call<'_> {
    /// Calls the tool by its name, if the policy lets the caller have its group.
    pub(in crate::mcp) async fn answer(self, group: Option<ToolGroup>) -> Result<Called, ErrorData> {
        let database = self.database();
        let permitted = group.map_or(Ok(()), |group| self.gateway().has_tools(self.caller, database, group));
        if let Err(refusal) = permitted {
            return reply::failed(&refusal, "").map(Called::Reply);
        }
        if group.is_none() {
            return self.run(group).await;
        }
        own_login::before(self, group).await
    }

    /// Under the login that is there.
    pub(in crate::mcp) async fn run(self, group: Option<ToolGroup>) -> Result<Called, ErrorData> {
        if group == Some(ToolGroup::Saved) {
            return saved::call(self).await;
        }
        let reply = match self.tool.name.as_ref() {
            "query" => return query::call(self).await,
            "execute" => return execute::call(self).await,
            investigate::NAME => return Box::pin(investigate::call(self)).await,
            "advise_indexes" => return advise_indexes::call(self).await,
            "preview" => preview::call(self).await,
            "search_objects" => search_objects::call(self).await,
            "describe" => describe::call(self).await,
            "database_health" => database_health::call(self).await,
            "search" => search::call(self).await,
            "fetch" => fetch::call(self).await,
            "explain" => explain::call(self).await,
            "top_queries" => top_queries::call(self).await,
            "task_result" => task_result::call(self).await,
            "task_cancel" => task_cancel::call(self).await,
            other => Err(self.handler.unknown_tool(other)),
        };
        reply.map(Called::Reply)
    }

    /// The database that is named.
    pub(in crate::mcp) fn database(&self) -> Option<&str> {
        text_of(self.given.as_ref()?, "database")
    }

    pub(in crate::mcp) fn gateway(&self) -> &Gateway {
        &self.handler.gateway
    }

    pub(super) fn arguments(&self) -> Result<Arguments<'_>, Diagnostic> {
        Arguments::read(self.tool, self.given.clone())
    }

    /// The reply of a tool that answers with an object.
    pub(super) fn object(&self, found: Result<Value, Diagnostic>) -> ToolReply {
        match found {
            Ok(object) => reply::object(&object, self.handler.result_chars),
            Err(diagnostic) => reply::failed(&diagnostic, ""),
        }
    }
}
