//! Answers the methods of the protocol from the gateway. The same for both transports; each call gets its `Caller` from
//! the transport, and a token that fires when the client cancels, goes away, or the server stops.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestMethod, CompleteRequestParams, CompleteResult,
    CustomRequest, CustomResult, Implementation, JsonObject, ListPromptsRequestMethod, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reply::{self, ToolReply};
use super::tools::{self, Tools};
use super::{resources, revision};
use crate::auth::Caller;
use crate::gateway::Gateway;
use crate::pg::Diagnostic;

const INSTRUCTIONS: &str = "pgwarden answers SQL against PostgreSQL under a policy. `search_objects` and `describe` show \
    what can be queried, `query` runs one read-only statement. A refusal names its SQLSTATE, the rule that decided and a \
    hint for the next try. The schema is also there as resources, postgres://{database}/{schema}/{relation}.";

/// How long clients of 2026-07-28 may keep the tool list: it only changes with the configuration.
const TOOL_LIST_TTL_MS: u64 = 60_000;

#[derive(Clone)]
pub(super) struct Handler {
    gateway: Gateway,
    tools: Arc<Tools>,
    callers: Callers,
    result_chars: usize,
    calls: Calls,
}

/// Where the caller of a request is found.
#[derive(Clone)]
pub(super) enum Callers {
    /// stdio: whoever started the process.
    Fixed(Caller),
    /// HTTP: what the endpoint put into the request's extensions after authentication.
    Request,
}

/// The running calls of one server: counted, and cancelled together.
#[derive(Clone, Default)]
pub(super) struct Calls {
    pub(super) stop: CancellationToken,
    pub(super) running: TaskTracker,
}

impl Handler {
    pub(super) fn new(gateway: Gateway, callers: Callers, result_chars: usize, calls: Calls) -> Self {
        let tools = Arc::new(Tools::new(&gateway.databases(), result_chars));
        Self { gateway, tools, callers, result_chars, calls }
    }

    fn caller(&self, cx: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
        let mut caller = match &self.callers {
            Callers::Fixed(caller) => caller.clone(),
            Callers::Request => {
                let parts = cx.extensions.get::<Parts>();
                parts
                    .and_then(|parts| parts.extensions.get::<Caller>())
                    .cloned()
                    .ok_or_else(reply::no_caller)?
            }
        };
        caller.client = client_name(cx);
        Ok(caller)
    }

    async fn call(
        &self,
        tool: &Tool,
        given: Option<JsonObject>,
        caller: &Caller,
        cancel: &CancellationToken,
    ) -> ToolReply {
        match tool.name.as_ref() {
            "query" => self.query(given, caller, cancel).await,
            "search_objects" => self.search_objects(given, caller, cancel).await,
            "describe" => self.describe(given, caller, cancel).await,
            other => Err(self.unknown_tool(other)),
        }
    }

    async fn query(
        &self,
        given: Option<JsonObject>,
        caller: &Caller,
        cancel: &CancellationToken,
    ) -> ToolReply {
        let request = match tools::parse_query(&self.tools.query, given) {
            Ok(request) => request,
            Err(diagnostic) => return reply::failed(&diagnostic, ""),
        };
        let sql = request.sql.clone();
        match self.gateway.query(caller, request, cancel).await {
            Ok(output) => reply::query(output, self.result_chars),
            Err(diagnostic) => reply::failed(&diagnostic, &sql),
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

    fn unknown_tool(&self, name: &str) -> ErrorData {
        reply::unknown_tool(name, self.tools.all().into_iter().map(|tool| tool.name.as_ref()))
    }
}

impl Calls {
    /// Runs one call under a token that fires with `client` or with the order to stop. The call is never dropped half
    /// way: it ends by itself soon after its token fires, and so PostgreSQL hears of it.
    async fn run<T>(&self, client: &CancellationToken, call: impl AsyncFnOnce(CancellationToken) -> T) -> T {
        let _counted = self.running.token();
        let cancel = self.stop.child_token();
        let mut running = std::pin::pin!(call(cancel.clone()));
        tokio::select! {
            biased;
            answer = &mut running => return answer,
            () = client.cancelled() => cancel.cancel(),
        }
        running.await
    }

    /// For what only looks into the catalog: it is dropped where it stands.
    async fn unless_cancelled<T>(
        &self,
        client: &CancellationToken,
        looking: impl Future<Output = Result<T, Diagnostic>>,
    ) -> Result<T, ErrorData> {
        let _counted = self.running.token();
        tokio::select! {
            biased;
            found = looking => found.map_err(|diagnostic| reply::resource_failed(&diagnostic)),
            () = client.cancelled() => Err(reply::cancelled()),
            () = self.stop.cancelled() => Err(reply::cancelled()),
        }
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_resources().build())
            .with_server_info(
                Implementation::new("pgwarden", env!("CARGO_PKG_VERSION")).with_title("pgwarden"),
            )
            .with_instructions(INSTRUCTIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.named(name).cloned()
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _cx: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        resources::only_page("tools/list", request)?;
        let tools = self.tools.all().into_iter().cloned().collect();
        Ok(ListToolsResult::with_all_items(tools).with_ttl_ms(TOOL_LIST_TTL_MS))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = self.caller(&cx)?;
        let tool = self.tools.named(&request.name).ok_or_else(|| self.unknown_tool(&request.name))?;
        let call = async |cancel| self.call(tool, request.arguments, &caller, &cancel).await;
        self.calls.run(&cx.ct, call).await.map(CallToolResponse::from)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let caller = self.caller(&cx)?;
        let start = resources::start(request)?;
        let all = self.calls.unless_cancelled(&cx.ct, self.gateway.list_resources(&caller)).await?;
        resources::page(all, start)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _cx: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        resources::only_page("resources/templates/list", request)?;
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let caller = self.caller(&cx)?;
        let reading = self.gateway.read_resource(&caller, &request.uri);
        let found = self.calls.unless_cancelled(&cx.ct, reading).await?;
        let resource = found.ok_or_else(|| reply::unknown_resource(&request.uri))?;
        Ok(reply::resource(resource).into())
    }

    /// rmcp's default answers an empty list, as if there were prompts.
    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _cx: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListPromptsRequestMethod>())
    }

    async fn complete(
        &self,
        _request: CompleteRequestParams,
        _cx: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }

    /// Here come unknown methods, and known ones whose parameters rmcp could not read.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        cx: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if !revision::serves(&request.method, cx.protocol_version().as_ref()) {
            return Err(reply::unknown_method(request.method));
        }
        Err(reply::malformed(&request.method, &revision::why_malformed(&request.method, request.params)))
    }
}

/// The client as it names itself, bounded and printable: it ends up in logs and in `application_name`.
fn client_name(cx: &RequestContext<RoleServer>) -> Option<String> {
    let client = cx.client_info()?;
    let name = Cow::from(format!("{}/{}", client.name, client.version));
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    // rmcp makes itself up as the client where a stateless request of an older revision names none.
    (client.name != "rmcp" && !client.name.is_empty()).then_some(name)
}
