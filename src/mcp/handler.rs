//! Answers the methods of the protocol from the gateway. The same for both transports; each call gets its `Caller` from
//! the transport, and a token that fires when the client cancels, goes away, or the server stops.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult,
    CustomRequest, CustomResult, DiscoverResult, Extensions, GetPromptRequestParams, GetPromptResponse,
    GetTaskParams, GetTaskResult, Implementation, InitializeRequestParams, InitializeResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig, SubscribeRequestParams, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reply::{self, ToolReply};
use super::subscriptions::session::{self, Session};
use super::tasks::{extension, handle, legacy};
use super::tools::{Call, Called, Listed, Tools, saved};
use super::{cache, completion, instructions, prompts, resources, revision};
use crate::auth::Caller;
use crate::gateway::{Asked, Completion, Gateway};
use crate::pg::Diagnostic;

#[derive(Clone)]
pub(super) struct Handler {
    pub(super) gateway: Gateway,
    pub(super) tools: Arc<Tools>,
    pub(super) callers: Callers,
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
    /// HTTP: what the endpoint put into the request's extensions, who is the same for all where nobody is asked for a token.
    Request { authenticated: bool },
}

/// In an HTTP request's extensions: what its call does not outlive.
#[derive(Clone, Default)]
pub(super) struct Standing {
    /// Fires when the session ends that the request belongs to. rmcp would go on for seconds.
    pub(super) session: CancellationToken,
    /// Fires when the bearer token is revoked that the request came with.
    pub(super) token: CancellationToken,
    /// How many streams the session has open for what it is told unasked. `None` where it always hears.
    pub(super) streams: Option<watch::Receiver<usize>>,
}

impl Standing {
    pub(super) fn of(cx: &RequestContext<RoleServer>) -> Self {
        Self::from(&cx.extensions)
    }

    /// Those of a request or a notification.
    pub(super) fn from(extensions: &Extensions) -> Self {
        let parts = extensions.get::<Parts>();
        parts.and_then(|parts| parts.extensions.get::<Self>()).cloned().unwrap_or_default()
    }

    /// Waits until the client hears what it is told unasked.
    pub(super) async fn hears(&self) {
        let Some(mut streams) = self.streams.clone() else { return };
        if streams.wait_for(|open| *open > 0).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Until one of them fires.
    pub(super) async fn lost(&self) {
        tokio::select! {
            () = self.session.cancelled() => {}
            () = self.token.cancelled() => {}
        }
    }
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
            Callers::Request { .. } => {
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

    /// The tools that the caller has somewhere, and their saved queries.
    pub(super) async fn listed(&self, caller: &Caller) -> Vec<Listed> {
        let groups = self.gateway.tool_groups(caller);
        let is_there = |listed: &&Listed| listed.group.is_none_or(|group| groups.contains(&group));
        let built_in = self.tools.iter().filter(is_there).cloned();
        built_in.chain(saved::listed(&self.gateway, caller).await).collect()
    }

    /// The tool of that name: one that is always there, or a saved query of the caller's.
    pub(super) async fn tool(&self, caller: &Caller, name: &str) -> Result<Cow<'_, Listed>, ErrorData> {
        if let Some(built_in) = self.tools.named(name) {
            return Ok(Cow::Borrowed(built_in));
        }
        let saved = saved::named(&self.gateway, caller, name).await;
        saved.map(Cow::Owned).ok_or_else(|| self.unknown_tool(name))
    }

    /// Those that the caller has in one database; without a name, somewhere.
    pub(super) fn listed_in(&self, caller: &Caller, database: Option<&str>) -> impl Iterator<Item = &Tool> {
        let groups = self.gateway.tool_groups(caller);
        let has = move |group| match database {
            Some(name) => self.gateway.has_tools(caller, Some(name), group).is_ok(),
            None => groups.contains(&group),
        };
        self.tools.iter().filter(move |listed| listed.group.is_none_or(&has)).map(|listed| &listed.tool)
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
    /// dropped half way: it ends by itself soon after its token fires, and so PostgreSQL hears of it. What comes of it is
    /// nothing for a bearer token that is revoked by then.
    pub(super) async fn run<T>(
        &self,
        cx: &RequestContext<RoleServer>,
        call: impl AsyncFnOnce(CancellationToken) -> T,
    ) -> Result<T, ErrorData> {
        let _counted = self.running.token();
        let standing = Standing::of(cx);
        let cancel = self.stop.child_token();
        let mut running = std::pin::pin!(call(cancel.clone()));
        tokio::select! {
            biased;
            answer = &mut running => return Ok(answer),
            () = cx.ct.cancelled() => cancel.cancel(),
            () = standing.lost() => cancel.cancel(),
        }
        let answer = running.await;
        if standing.token.is_cancelled() { Err(reply::revoked()) } else { Ok(answer) }
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
            () = standing.token.cancelled() => Err(reply::revoked()),
            () = standing.session.cancelled() => Err(reply::cancelled()),
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
        let caller = self.caller(&cx)?;
        cx.peer.set_peer_info(request.clone());
        let mut settled = self.negotiate_initialize(&request)?;
        if !self.pushes {
            settled.capabilities = capabilities(false);
        }
        // The instructions are the caller's own.
        Ok(settled.with_instructions(instructions::of(&self.gateway, &caller)))
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
        ServerConfig::new(capabilities(true)).with_server_info(
            Implementation::new("pgwarden", env!("CARGO_PKG_VERSION")).with_title("pgwarden"),
        )
    }

    async fn discover(&self, cx: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let caller = self.caller(&cx)?;
        let server = self.get_info().with_instructions(instructions::of(&self.gateway, &caller));
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, server))
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
        let tools = self.listed(&caller).await.into_iter().map(|listed| listed.tool);
        #[cfg(feature = "conformance-fixtures")]
        let tools = tools.chain(super::fixtures::tools());
        let tools = tools.collect();
        let list = ListToolsResult::with_all_items(tools);
        Ok(list.with_ttl_ms(cache::CONFIGURED_MS).with_cache_scope(self.cache_scope()))
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
        let listed = self.tool(&caller, &request.name).await?;
        let called = async |cancel: CancellationToken| {
            let (tool, given) = (&listed.tool, request.arguments);
            Call { handler: self, tool, given, caller: &caller, cx: &cx, cancel: &cancel }
                .answer(listed.group)
                .await
        };
        match self.calls.run(&cx, called).await?? {
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
        let page = resources::page(all, start)?;
        Ok(page.with_ttl_ms(cache::SCHEMA_MS).with_cache_scope(self.cache_scope()))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        resources::only_page("resources/templates/list", request)?;
        let reads = self.gateway.has_resources(&self.caller(&cx)?);
        let list = ListResourceTemplatesResult::with_all_items(if reads {
            resources::templates()
        } else {
            Vec::new()
        });
        Ok(list.with_ttl_ms(cache::CONFIGURED_MS).with_cache_scope(self.cache_scope()))
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
        let read = reply::resource(resource);
        Ok(read.with_ttl_ms(cache::SCHEMA_MS).with_cache_scope(self.cache_scope()).into())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        resources::only_page("prompts/list", request)?;
        let list = ListPromptsResult::with_all_items(prompts::listed(self, &self.caller(&cx)?));
        Ok(list.with_ttl_ms(cache::CONFIGURED_MS).with_cache_scope(self.cache_scope()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::text(self, &self.caller(&cx)?, request).map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let caller = self.caller(&cx)?;
        let Some(completing) = completion::completing(self, &caller, request)? else {
            return completion::result(Completion::default());
        };
        let looking = self.gateway.complete(&caller, &completing);
        completion::result(self.calls.unless_cancelled(&cx, looking).await?)
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
    let builder = ServerCapabilities::builder()
        .enable_tools()
        .enable_resources()
        .enable_prompts()
        .enable_completions()
        .enable_tasks();
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
