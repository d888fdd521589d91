//! Every request that rmcp hands over: how long it took, what came of it, and its trace. What it is answered is the
//! handler's.

use std::borrow::Cow;
use std::time::Instant;

use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult,
    CustomRequest, CustomResult, DiscoverResult, GetPromptRequestParams, GetPromptResponse, GetTaskParams,
    GetTaskResult, InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, RequestId, ServerConfig, SubscribeRequestParams, Tool, UnsubscribeRequestParams,
    UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value;
use tracing::Instrument as _;

use super::handler::Handler;
use super::standby::Standby;
use super::subscriptions::listen;
use super::tasks::legacy;
use super::tools::saved::RUN_SAVED_QUERY;
use super::{reply, revision};
use crate::telemetry::trace::{Call, Given};
use crate::telemetry::{Answer, Event, Telemetry};

/// Of methods and tools that there are not: whatever callers send, there are only so many words for it.
const OTHER: &str = "other";
/// Characters of a request's id that a span keeps.
const ID: usize = 64;

/// The handler, looked at. Each request is answered in the version of the configuration that it finds.
pub(super) struct Observed(pub(super) Standby);

/// What came of a request: an answer, and the SQLSTATE of a refusal.
type Came = (Answer, Option<String>);

/// A request until its answer. Dropped before, nobody waited for it.
struct Asked {
    telemetry: Telemetry,
    method: &'static str,
    tool: Cow<'static, str>,
    revision: Option<String>,
    id: String,
    begun: Instant,
    call: Call,
    came: Came,
    /// Of a JSON-RPC error.
    code: Option<i32>,
}

impl Observed {
    fn asked(&self, method: &'static str, cx: &RequestContext<RoleServer>) -> Asked {
        let header = cx.extensions.get::<Parts>().and_then(|parts| parts.headers.get("traceparent"));
        let given = Given {
            traceparent: cx.meta.get_traceparent(),
            tracestate: cx.meta.get_tracestate(),
            http: header.and_then(|header| header.to_str().ok()),
        };
        let telemetry = self.0.telemetry().clone();
        let call = telemetry.tracing().call(&given);
        let id = match &cx.id {
            RequestId::Number(number) => number.to_string(),
            RequestId::String(text) => text.chars().filter(|c| !c.is_control()).take(ID).collect(),
        };
        Asked {
            call,
            telemetry,
            method,
            tool: Cow::Borrowed(""),
            revision: cx.protocol_version().map(|revision| revision.as_str().to_owned()),
            id,
            begun: Instant::now(),
            came: (Answer::Dropped, None),
            code: None,
        }
    }

    /// The tool that a request names.
    fn tool(handler: &Handler, name: &str) -> Option<Cow<'static, str>> {
        let built_in = handler.tools.named(name).map(|listed| Cow::Owned(listed.tool.name.to_string()));
        built_in.or_else(|| (name == RUN_SAVED_QUERY).then_some(Cow::Borrowed(RUN_SAVED_QUERY)))
    }
}

impl Asked {
    async fn plain<T>(self, work: impl Future<Output = Result<T, ErrorData>>) -> Result<T, ErrorData> {
        self.answered(work, |_| (Answer::Result, None)).await
    }

    async fn answered<T>(
        mut self,
        work: impl Future<Output = Result<T, ErrorData>>,
        came: impl FnOnce(&T) -> Came,
    ) -> Result<T, ErrorData> {
        self.watched(work, came).await
    }

    async fn watched<T>(
        &mut self,
        work: impl Future<Output = Result<T, ErrorData>>,
        came: impl FnOnce(&T) -> Came,
    ) -> Result<T, ErrorData> {
        let answered = work.instrument(self.call.entered().clone()).await;
        self.came = match &answered {
            Ok(answer) => came(answer),
            Err(_) => (Answer::Error, None),
        };
        self.code = answered.as_ref().err().map(|error| error.code.0);
        answered
    }

    /// A tool that is none of ours is a saved query, unless it is answered that there is no such tool.
    async fn of_tool<T>(
        mut self,
        known: Option<Cow<'static, str>>,
        work: impl Future<Output = Result<T, ErrorData>>,
        came: impl FnOnce(&T) -> Came,
    ) -> Result<T, ErrorData> {
        let is_known = known.is_some();
        self.tool = known.unwrap_or(Cow::Borrowed(OTHER));
        let answered = self.watched(work, came).await;
        if !is_known && answered.is_ok() {
            self.tool = Cow::Borrowed("saved");
        }
        answered
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let (answer, sqlstate) = (self.came.0, self.came.1.as_deref());
        let took = self.begun.elapsed();
        let (method, tool) = (self.method, self.tool.as_ref());
        self.telemetry.emit(&Event::Operation { method, tool, answer, sqlstate, took });
        let (revision, id, code) = (self.revision.take(), std::mem::take(&mut self.id), self.code);
        self.call.end(|span| {
            span.named(if tool.is_empty() { method.to_owned() } else { format!("{method} {tool}") });
            span.text("mcp.method.name", method);
            if !tool.is_empty() {
                span.text("gen_ai.tool.name", tool);
                span.text("gen_ai.operation.name", "execute_tool");
            }
            if let Some(revision) = revision {
                span.text("mcp.protocol.version", revision);
            }
            span.text("jsonrpc.request.id", id);
            match (answer, code) {
                (Answer::ToolError, _) => span.failed(answer.word()),
                (Answer::Error, Some(code)) => {
                    span.text("rpc.response.status_code", code.to_string());
                    span.failed(&code.to_string());
                }
                (Answer::Dropped, _) => span.failed("cancelled"),
                _ => {}
            }
        });
    }
}

/// What a tool's answer is.
fn of_tool(response: &CallToolResponse) -> Came {
    match response {
        CallToolResponse::Complete(result) if result.is_error == Some(true) => {
            (Answer::ToolError, reply::sqlstate(result).map(str::to_owned))
        }
        CallToolResponse::Task(_) => (Answer::Task, None),
        CallToolResponse::InputRequired(_) => (Answer::InputRequired, None),
        _ => (Answer::Result, None),
    }
}

/// The same of an answer that is JSON already.
fn of_json(result: &CustomResult) -> Came {
    let at = |pointer: &str| result.0.pointer(pointer);
    if at("/isError").and_then(Value::as_bool) == Some(true) {
        let sqlstate = at("/_meta/pgwarden~1error/sqlstate").and_then(Value::as_str);
        return (Answer::ToolError, sqlstate.map(str::to_owned));
    }
    (if at("/task").is_some() { Answer::Task } else { Answer::Result }, None)
}

/// Methods whose answers are only counted. Boxed: the handler's futures are large.
macro_rules! observed {
    ($($name:ident($request:ty) -> $answer:ty = $method:literal;)*) => {$(
        async fn $name(&self, request: $request, cx: RequestContext<RoleServer>) -> Result<$answer, ErrorData> {
            let (asked, handler) = (self.asked($method, &cx), self.0.pinned());
            asked.plain(Box::pin(handler.$name(request, cx))).await
        }
    )*};
}

#[expect(deprecated, reason = "clients of older revisions subscribe so")]
impl ServerHandler for Observed {
    observed! {
        initialize(InitializeRequestParams) -> InitializeResult = "initialize";
        subscribe(SubscribeRequestParams) -> () = "resources/subscribe";
        unsubscribe(UnsubscribeRequestParams) -> () = "resources/unsubscribe";
        get_task(GetTaskParams) -> GetTaskResult = "tasks/get";
        update_task(UpdateTaskParams) -> () = "tasks/update";
        cancel_task(CancelTaskParams) -> () = "tasks/cancel";
        list_tools(Option<PaginatedRequestParams>) -> ListToolsResult = "tools/list";
        list_resources(Option<PaginatedRequestParams>) -> ListResourcesResult = "resources/list";
        list_resource_templates(Option<PaginatedRequestParams>) -> ListResourceTemplatesResult
            = "resources/templates/list";
        read_resource(ReadResourceRequestParams) -> ReadResourceResponse = "resources/read";
        list_prompts(Option<PaginatedRequestParams>) -> ListPromptsResult = "prompts/list";
        get_prompt(GetPromptRequestParams) -> GetPromptResponse = "prompts/get";
        complete(CompleteRequestParams) -> CompleteResult = "completion/complete";
    }

    #[cfg(feature = "conformance-fixtures")]
    #[expect(deprecated, reason = "the suite asks for it")]
    async fn set_level(
        &self,
        request: rmcp::model::SetLevelRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.idle().set_level(request, cx).await
    }

    async fn ping(&self, cx: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        let asked = self.asked("ping", &cx);
        asked.plain(Box::pin(self.0.idle().ping(cx))).await
    }

    async fn discover(&self, cx: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let (asked, handler) = (self.asked("server/discover", &cx), self.0.pinned());
        asked.plain(Box::pin(handler.discover(cx))).await
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (asked, handler) = (self.asked("tools/call", &cx), self.0.pinned());
        let tool = Self::tool(&handler, &request.name);
        asked.of_tool(tool, Box::pin(handler.call_tool(request, cx)), of_tool).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        cx: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = legacy::renamed(&request.method).unwrap_or(&request.method);
        let asked = self.asked(revision::word(method).unwrap_or(OTHER), &cx);
        if method == listen::METHOD {
            // It lasts: what it tells of is always what is in use then.
            let params = request.params.unwrap_or_default();
            let told = async { listen::answer(&self.0, &params, cx).await.map(CustomResult::new) };
            return asked.answered(Box::pin(told), of_json).await;
        }
        let handler = self.0.pinned();
        if asked.method == "tools/call" {
            let name = request.params.as_ref().and_then(|params| params.get("name")).and_then(Value::as_str);
            let tool = name.and_then(|name| Self::tool(&handler, name));
            return asked.of_tool(tool, Box::pin(handler.on_custom_request(request, cx)), of_json).await;
        }
        asked.answered(Box::pin(handler.on_custom_request(request, cx)), of_json).await
    }

    async fn on_initialized(&self, cx: NotificationContext<RoleServer>) {
        self.0.pinned().on_initialized(cx).await;
    }

    fn get_info(&self) -> ServerConfig {
        self.0.idle().get_info()
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.pinned().get_tool(name)
    }
}
