//! Answers the methods of the protocol from the gateway. The same for both transports; each call gets its `Caller` from
//! the transport, and a token that fires when the client cancels, goes away, or the server stops.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestMethod, CompleteRequestParams,
    CompleteResult, CustomRequest, CustomResult, Extensions, GetTaskParams, GetTaskResult, Implementation,
    InitializeRequestParams, InitializeResult, ListPromptsRequestMethod, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
    SubscribeRequestParams, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reply::{self, ToolReply};
pub(super) use super::standing::Standing;
use super::subscriptions::session::{self, Session};
use super::tasks::{extension, handle, legacy};
use super::tools::{Call, Called, Listed, Tools};
use super::{resources, revision};
use crate::auth::Caller;
use crate::gateway::{Asked, Gateway};
use crate::pg::Diagnostic;

const INSTRUCTIONS: &str = "pgwarden answers SQL against PostgreSQL under a policy. `search_objects` and `describe` show \
    what can be queried, `query` runs one read-only statement; what takes longer goes on, and `task_result` \
    fetches it. A refusal names its SQLSTATE, the rule that decided and a \
    hint for the next try. The schema is also there as resources, postgres://{database}/{schema}/{relation}.";

/// How long clients of 2026-07-28 may keep the tool list: it only changes with the configuration.
const TOOL_LIST_TTL_MS: u64 = 60_000;

#[derive(Clone)]
pub(super) struct Handler {
    pub(super) gateway: Gateway,
    pub(super) tools: Arc<Tools>,
    callers: Callers,
    pub(super) result_chars: usize,
    pub(super) calls: Calls,
    /// Of the one session that this handler is for.
    pub(super) session: Arc<Session>,
    /// There is a way to tell a session something unasked.
    pushes: bool,
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
        Self { gateway, tools, callers, result_chars, calls, session: Arc::default(), pushes: true }
    }

    /// For clients of older revisions without sessions: nothing can be told to them.
    pub(super) fn that_pushes(self, pushes: bool) -> Self {
        Self { pushes, ..self }
    }

    /// The same for another session.
    pub(super) fn apart(&self) -> Self {
        Self { session: Arc::default(), ..self.clone() }
    }

    pub(super) fn caller(&self, cx: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
        self.caller_from(&cx.extensions, cx.client_info())
    }

    /// Who sent a request or a notification.
    pub(super) fn caller_from(
        &self,
        extensions: &Extensions,
        client: Option<Implementation>,
    ) -> Result<Caller, ErrorData> {
        let mut caller = match &self.callers {
            Callers::Fixed(caller) => caller.clone(),
            Callers::Request => {
                let parts = extensions.get::<Parts>();
                parts
                    .and_then(|parts| parts.extensions.get::<Caller>())
                    .cloned()
                    .ok_or_else(reply::no_caller)?
            }
        };
        caller.client = client.and_then(|client| client_name(&client));
        Ok(caller)
    }

    /// The tools that the caller has somewhere.
    pub(super) fn listed(&self, caller: &Caller) -> impl Iterator<Item = &Tool> {
        let groups = self.gateway.tool_groups(caller);
        let is_there = move |listed: &&Listed| listed.group.is_none_or(|group| groups.contains(&group));
        self.tools.iter().filter(is_there).map(|listed| &listed.tool)
    }

    pub(super) fn unknown_tool(&self, name: &str) -> ErrorData {
        reply::unknown_tool(name, self.tools.iter().map(|listed| listed.tool.name.as_ref()))
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

impl Calls {
    /// Runs one call under a token that fires with the client's, the session's, the bearer token's, or the order to stop. The call is never
    /// dropped half way: it ends by itself soon after its token fires, and so PostgreSQL hears of it.
    pub(super) async fn run<T>(
        &self,
        cx: &RequestContext<RoleServer>,
        call: impl AsyncFnOnce(CancellationToken) -> T,
    ) -> T {
        let _counted = self.running.token();
        let standing = Standing::of(cx);
        let cancel = self.stop.child_token();
        let mut running = std::pin::pin!(call(cancel.clone()));
        tokio::select! {
            biased;
            answer = &mut running => return answer,
            () = cx.ct.cancelled() => cancel.cancel(),
            () = standing.lost() => cancel.cancel(),
        }
        running.await
    }

    /// For what only looks into the catalog: it is dropped where it stands.
    async fn unless_cancelled<T>(
        &self,
        cx: &RequestContext<RoleServer>,
        looking: impl Future<Output = Result<T, Diagnostic>>,
    ) -> Result<T, ErrorData> {
        let _counted = self.running.token();
        let standing = Standing::of(cx);
        tokio::select! {
            biased;
            found = looking => found.map_err(|diagnostic| reply::request_failed(&diagnostic)),
            () = cx.ct.cancelled() => Err(reply::cancelled()),
            () = standing.lost() => Err(reply::cancelled()),
            () = self.stop.cancelled() => Err(reply::cancelled()),
        }
    }
}

impl ServerHandler for Handler {
    async fn initialize(
        &self,
        request: InitializeRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        cx.peer.set_peer_info(request.clone());
        let mut settled = self.negotiate_initialize(&request)?;
        if !self.pushes {
            settled.capabilities = capabilities(false);
        }
        Ok(settled)
    }

    async fn on_initialized(&self, cx: NotificationContext<RoleServer>) {
        if self.pushes {
            session::initialized(self, &cx);
        }
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if !self.pushes {
            return Err(reply::unknown_method("resources/subscribe".to_owned()));
        }
        session::subscribe(self, &request.uri, &cx)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _cx: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if !self.pushes {
            return Err(reply::unknown_method("resources/unsubscribe".to_owned()));
        }
        session::unsubscribe(self, &request.uri);
        Ok(())
    }

    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(capabilities(true))
            .with_server_info(
                Implementation::new("pgwarden", env!("CARGO_PKG_VERSION")).with_title("pgwarden"),
            )
            .with_instructions(INSTRUCTIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.named(name).map(|listed| listed.tool.clone())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let caller = self.caller(&cx)?;
        extension::get(self, &caller, &request.task_id).await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let caller = self.caller(&cx)?;
        extension::update(self, &caller, &request.task_id, &request.input_responses).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let caller = self.caller(&cx)?;
        extension::cancel(self, &caller, &request.task_id).await
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        resources::only_page("tools/list", request)?;
        let caller = self.caller(&cx)?;
        let tools = self.listed(&caller).cloned();
        #[cfg(feature = "conformance-fixtures")]
        let tools = tools.chain(super::fixtures::tools());
        let tools = tools.collect();
        Ok(ListToolsResult::with_all_items(tools).with_ttl_ms(TOOL_LIST_TTL_MS))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = self.caller(&cx)?;
        #[cfg(feature = "conformance-fixtures")]
        if let Some(response) = super::fixtures::call(self, &request, &caller, &cx).await {
            return response;
        }
        let listed = self.tools.named(&request.name).ok_or_else(|| self.unknown_tool(&request.name))?;
        let called = async |cancel: CancellationToken| {
            let (tool, given) = (&listed.tool, request.arguments);
            Call { handler: self, tool, given, caller: &caller, cx: &cx, cancel: &cancel }
                .answer(listed.group)
                .await
        };
        match self.calls.run(&cx, called).await? {
            Called::Reply(reply) => Ok(reply.into()),
            Called::Task(task) => Ok(CallToolResponse::Task(extension::created(&task))),
        }
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let caller = self.caller(&cx)?;
        let start = resources::start(request)?;
        let all = self.calls.unless_cancelled(&cx, self.gateway.list_resources(&caller)).await?;
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
        let found = self.calls.unless_cancelled(&cx, reading).await?;
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
        if let Some(method) = legacy::renamed(&request.method) {
            let params = request.params.unwrap_or_default();
            return legacy::answer(self, method, params, cx).await.map(CustomResult::new);
        }
        if !revision::serves(&request.method, cx.protocol_version().as_ref()) {
            return Err(reply::unknown_method(request.method));
        }
        Err(reply::malformed(&request.method, &revision::why_malformed(&request.method, request.params)))
    }
}

/// `pushes`: changes can be told.
fn capabilities(pushes: bool) -> ServerCapabilities {
    let builder = ServerCapabilities::builder().enable_tools().enable_resources().enable_tasks();
    if !pushes {
        return builder.build();
    }
    builder.enable_tool_list_changed().enable_resources_list_changed().enable_resources_subscribe().build()
}

/// The client as it names itself, bounded and printable: it ends up in logs and in `application_name`.
fn client_name(client: &Implementation) -> Option<String> {
    let name = Cow::from(format!("{}/{}", client.name, client.version));
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    // rmcp makes itself up as the client where a stateless request of an older revision names none.
    (client.name != "rmcp" && !client.name.is_empty()).then_some(name)
}
