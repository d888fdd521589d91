//! From a tool call's arguments to its reply: one function for each tool.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CallToolResult, JsonObject, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use tokio_util::sync::CancellationToken;

use super::handler::Handler;
use super::reply::{self, ToolReply};
use super::tasks::{extension, handle, progress};
use super::tools::{self, Read};
use crate::auth::Caller;
use crate::db::Progress;
use crate::gateway::{Asked, Cancelled, Patience, QueryRequest, TaskView};
use crate::pg::Diagnostic;
use crate::tasks::TaskId;

/// What a tool call came to.
pub(super) enum Called {
    Reply(CallToolResult),
    /// It goes on as a task, and the client has said that it knows what that is.
    Task(TaskView),
}

impl Handler {
    pub(super) async fn call(
        &self,
        tool: &Tool,
        given: Option<JsonObject>,
        caller: &Caller,
        cx: &RequestContext<RoleServer>,
        cancel: &CancellationToken,
    ) -> Result<Called, ErrorData> {
        let reply = match tool.name.as_ref() {
            "query" => return self.query(given, caller, cx, cancel).await,
            "search_objects" => self.search_objects(given, caller, cancel).await,
            "describe" => self.describe(given, caller, cancel).await,
            "task_result" => self.task_result(given, caller, cancel).await,
            "task_cancel" => self.task_cancel(given, caller).await,
            other => Err(self.unknown_tool(other)),
        };
        reply.map(Called::Reply)
    }

    async fn query(
        &self,
        given: Option<JsonObject>,
        caller: &Caller,
        cx: &RequestContext<RoleServer>,
        cancel: &CancellationToken,
    ) -> Result<Called, ErrorData> {
        let request = match tools::parse_query(&self.tools.query, given) {
            Ok(Read::Ask(request)) => request,
            Ok(Read::On { cursor, format }) => {
                let patience = self.gateway.task_settings().handle_after;
                let page = self.gateway.next_page(caller, &cursor, format, patience, cancel).await;
                return self.asked(page.map(Asked::Rows), "").map(Called::Reply);
            }
            Err(diagnostic) => return reply::failed(&diagnostic, "").map(Called::Reply),
        };
        let takes_tasks = extension::is_spoken(cx);
        let settings = self.gateway.task_settings();
        let wait = if takes_tasks { settings.task_after } else { settings.handle_after };
        let progress = Arc::<Progress>::default();
        let patience = Patience { wait: Some(wait), progress: Arc::clone(&progress) };
        let sql = request.sql.clone();
        let asking = self.gateway.ask(caller, request, patience, cancel);
        match progress::told(cx, &progress, asking).await {
            Ok(Asked::Task(task)) if takes_tasks => Ok(Called::Task(task)),
            asked => self.asked(asked, &sql).map(Called::Reply),
        }
    }

    /// Asks and waits as long as it takes: for a task that was asked for as one.
    pub(super) async fn submit(
        &self,
        given: Option<JsonObject>,
        caller: &Caller,
        ttl: Option<Duration>,
    ) -> Result<Result<TaskView, CallToolResult>, ErrorData> {
        let request: QueryRequest = match tools::parse_query(&self.tools.query, given) {
            Ok(Read::Ask(request)) => request,
            Ok(Read::On { .. }) => {
                return Err(reply::malformed(
                    "tools/call",
                    "a page of an answer is no task: leave `task` out",
                ));
            }
            Err(diagnostic) => return reply::failed(&diagnostic, "").map(Err),
        };
        match self.gateway.submit(caller, request, ttl).await {
            Ok(task) => Ok(Ok(task)),
            Err(diagnostic) => reply::failed(&diagnostic, "").map(Err),
        }
    }

    async fn search_objects(
        &self,
        given: Option<JsonObject>,
        caller: &Caller,
        cancel: &CancellationToken,
    ) -> ToolReply {
        let request = match tools::parse_search_objects(&self.tools.search_objects, given) {
            Ok(request) => request,
            Err(diagnostic) => return reply::failed(&diagnostic, ""),
        };
        match self.gateway.search_objects(caller, request, cancel).await {
            Ok(output) => reply::object(&output.0, self.result_chars),
            Err(diagnostic) => reply::failed(&diagnostic, ""),
        }
    }

    async fn describe(
        &self,
        given: Option<JsonObject>,
        caller: &Caller,
        cancel: &CancellationToken,
    ) -> ToolReply {
        let request = match tools::parse_describe(&self.tools.describe, given) {
            Ok(request) => request,
            Err(diagnostic) => return reply::failed(&diagnostic, ""),
        };
        match self.gateway.describe(caller, request.database, request.relations, cancel).await {
            Ok(output) => reply::object(&output.0, self.result_chars),
            Err(diagnostic) => reply::failed(&diagnostic, ""),
        }
    }

    async fn task_result(
        &self,
        given: Option<JsonObject>,
        caller: &Caller,
        cancel: &CancellationToken,
    ) -> ToolReply {
        let longest = self.gateway.task_settings().handle_after;
        let request = match tools::parse_task_result(&self.tools.task_result, given) {
            Ok(request) => request,
            Err(diagnostic) => return reply::failed(&diagnostic, ""),
        };
        let wait = request.wait.map_or(longest, |wait| wait.min(longest));
        match self.outcome(caller, &request.task_id, wait, cancel).await {
            Ok(Some(asked)) => self.asked(Ok(asked), ""),
            Ok(None) => reply::failed(&handle::unknown(), ""),
            Err(diagnostic) => self.asked(Err(diagnostic), ""),
        }
    }

    async fn task_cancel(&self, given: Option<JsonObject>, caller: &Caller) -> ToolReply {
        let id = match tools::parse_task_cancel(&self.tools.task_cancel, given) {
            Ok(id) => id,
            Err(diagnostic) => return reply::failed(&diagnostic, ""),
        };
        let Ok(id) = id.parse() else { return reply::failed(&handle::unknown(), "") };
        match self.gateway.cancel_task(caller, id).await {
            Ok(Some(Cancelled::Done(task) | Cancelled::TooLate(task))) => {
                reply::object(&handle::ended(&task), self.result_chars)
            }
            Ok(None) => reply::failed(&handle::unknown(), ""),
            Err(diagnostic) => reply::failed(&diagnostic, ""),
        }
    }

    async fn outcome(
        &self,
        caller: &Caller,
        id: &str,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<Option<Asked>, Diagnostic> {
        match id.parse::<TaskId>() {
            Ok(id) => self.gateway.task_outcome(caller, id, wait, cancel).await,
            Err(()) => Ok(None),
        }
    }

    /// The reply to a client that knows nothing of tasks.
    pub(super) fn asked(&self, asked: Result<Asked, Diagnostic>, sql: &str) -> ToolReply {
        match asked {
            Ok(Asked::Rows(output)) => reply::query(output, self.result_chars),
            Ok(Asked::Result(result)) => reply::of_tool(result),
            Ok(Asked::Task(task)) => reply::object(&handle::running(&task), self.result_chars),
            Err(diagnostic) => reply::failed(&diagnostic, sql),
        }
    }
}
