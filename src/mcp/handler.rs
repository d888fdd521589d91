//! Answers the methods of the protocol from the gateway. The same for both transports; each call gets its `Caller` from
//! the transport, and a token that fires when the client cancels, goes away, or the server stops.

use std::sync::Arc;

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams,
    CompleteResult, CustomRequest, CustomResult, DiscoverResult, GetPromptRequestParams, GetPromptResponse,
    GetTaskParams, GetTaskResult, Implementation, InitializeRequestParams, InitializeResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerConfig,
    SubscribeRequestParams, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use super::approval_page::ApprovalPage;
use super::callers::Callers;
use super::calls::Calls;
use super::elicitation::Resumed;
use super::reply::{self, ToolReply};
use super::standby::Standby;
use super::subscriptions::session::{self, Session};
use super::tasks::{extension, handle, legacy};
use super::tools::investigate::{Bounds, Investigations};
use super::tools::{Call, Called, Tools};
use super::{apps, cache, capabilities, completion, instructions, own_login, prompts, resources, revision};
use crate::auth::{Caller, Credentials};
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
    /// Where people answer.
    pub(super) page: ApprovalPage,
    /// Logins that they gave there.
    pub(super) credentials: Option<Arc<Credentials>>,
    pub(super) investigations: Arc<Investigations>,
    /// There is a way to tell a session something unasked.
    pub(super) pushes: bool,
    /// Whose request this one is for.
    pub(super) standby: Option<Box<Standby>>,
    #[cfg(feature = "conformance-fixtures")]
    pub(super) fixtures: super::fixtures::State,
}

impl Handler {
    /// What requests have in common: [`Self::standing_by`] makes handlers of it.
    pub(super) fn new(gateway: Gateway, callers: Callers, calls: Calls) -> Self {
        let (session, page) = (Arc::default(), ApprovalPage::default());
        Self {
            gateway,
            tools: Arc::default(),
            callers,
            result_chars: 0,
            calls,
            session,
            page,
            credentials: None,
            investigations: Arc::default(),
            pushes: true,
            standby: None,
            #[cfg(feature = "conformance-fixtures")]
            fixtures: Default::default(),
        }
    }

    /// For clients of older revisions without sessions: nothing can be told to them.
    pub(super) fn that_pushes(self, pushes: bool) -> Self {
        Self { pushes, ..self }
    }

    pub(super) fn with_page(self, page: ApprovalPage) -> Self {
        Self { page, ..self }
    }

    pub(super) fn with_credentials(self, credentials: Option<Arc<Credentials>>) -> Self {
        Self { credentials, ..self }
    }

    pub(super) fn investigating(self, bounds: Bounds) -> Self {
        Self { investigations: Arc::new(Investigations::new(bounds)), ..self }
    }

    /// There is a way to ask a client for something while its call waits.
    pub(super) fn pushes(&self) -> bool {
        self.pushes
    }

    /// Between requests. `result_chars`: of a tool's result, where not the configuration's limits are meant.
    pub(super) fn standing_by(self, result_chars: Option<usize>) -> Standby {
        Standby::new(self, result_chars)
    }

    /// For what outlives the request.
    pub(super) fn standby(&self) -> Standby {
        self.standby
            .as_deref()
            .cloned()
            .unwrap_or_else(|| Standby::new(self.clone(), Some(self.result_chars)))
    }

    pub(super) fn caller(&self, cx: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
        let caller = self.callers.find(&cx.extensions, cx.client_info())?;
        Ok(own_login::with_given(self, cx, caller))
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

impl ServerHandler for Handler {
    #[cfg(feature = "conformance-fixtures")]
    #[expect(deprecated, reason = "the suite asks for it")]
    async fn set_level(
        &self,
        _request: rmcp::model::SetLevelRequestParams,
        _cx: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let caller = self.caller(&cx)?;
        cx.peer.set_peer_info(request.clone());
        let mut settled = self.negotiate_initialize(&request)?;
        if !self.pushes {
            settled.capabilities = capabilities::of(false);
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
        #[cfg(feature = "conformance-fixtures")]
        if super::fixtures::resources::is_watched(&request.uri) {
            return Ok(());
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
        ServerConfig::new(capabilities::of(true)).with_server_info(
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
        #[cfg(feature = "conformance-fixtures")]
        if let Some(listed) = super::fixtures::listed(&self.fixtures).find(|listed| listed.tool.name == name)
        {
            return Some(listed.tool);
        }
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
        let (samples, shows) = (self.samples(&cx), apps::are_shown(&cx));
        let tools = self.listed(&caller, samples).await.into_iter();
        let tools = tools.map(|listed| if shows { apps::with_page(listed).tool } else { listed.tool });
        let list = ListToolsResult::with_all_items(tools.collect());
        // Other clients have less of them.
        let scope = if samples || shows { CacheScope::Private } else { self.cache_scope() };
        Ok(list.with_ttl_ms(cache::CONFIGURED_MS).with_cache_scope(scope))
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
        let listed = self.tool(&caller, &request.name, self.samples(&cx)).await?;
        let called = async |cancel: CancellationToken| {
            let (tool, given) = (&listed.tool, request.arguments);
            let responses = request.input_responses.unwrap_or_default();
            let resumed = Resumed { state: request.request_state, responses };
            Call { handler: self, tool, given, caller: &caller, cx: &cx, cancel: &cancel, resumed }
                .answer(listed.group)
                .await
        };
        match self.calls.run(&cx, called).await?? {
            Called::Reply(reply) => Ok(reply.into()),
            Called::Task(task) => Ok(CallToolResponse::Task(extension::created(&task))),
            Called::Asks(asks) => Ok(CallToolResponse::InputRequired(asks)),
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
        #[cfg(feature = "conformance-fixtures")]
        let page = super::fixtures::resources::beside(page);
        if apps::are_shown(&cx) {
            let page = apps::beside(page, &self.listed(&caller, false).await);
            return Ok(page.with_ttl_ms(cache::SCHEMA_MS).with_cache_scope(CacheScope::Private));
        }
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
        #[cfg(feature = "conformance-fixtures")]
        let list = super::fixtures::resources::beside_templates(list);
        Ok(list.with_ttl_ms(cache::CONFIGURED_MS).with_cache_scope(self.cache_scope()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let caller = self.caller(&cx)?;
        if let Some(read) = apps::read(&request.uri) {
            return Ok(read.with_ttl_ms(cache::CONFIGURED_MS).with_cache_scope(self.cache_scope()).into());
        }
        let reading = self.gateway.read_resource(&caller, &request.uri);
        #[cfg(feature = "conformance-fixtures")]
        if let Some(read) = super::fixtures::resources::contents(&request.uri) {
            let read = read?.with_ttl_ms(cache::SCHEMA_MS).with_cache_scope(self.cache_scope());
            return Ok(read.into());
        }
        let found = self.calls.unless_cancelled(&cx, reading).await?;
        let resource = found.ok_or_else(|| reply::unknown_resource(&request.uri))?;
        let is_result = Gateway::is_result(&resource.uri);
        let read = reply::resource(resource);
        if is_result {
            return Ok(read.with_ttl_ms(0).with_cache_scope(CacheScope::Private).into());
        }
        Ok(read.with_ttl_ms(cache::SCHEMA_MS).with_cache_scope(self.cache_scope()).into())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        resources::only_page("prompts/list", request)?;
        let list = ListPromptsResult::with_all_items(prompts::listed(self, &self.caller(&cx)?));
        #[cfg(feature = "conformance-fixtures")]
        let list = super::fixtures::prompts::beside(list)?;
        Ok(list.with_ttl_ms(cache::CONFIGURED_MS).with_cache_scope(self.cache_scope()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        #[cfg(feature = "conformance-fixtures")]
        if let Some(answer) = super::fixtures::prompts::text(&request) {
            return answer;
        }
        prompts::text(self, &self.caller(&cx)?, request).await.map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let caller = self.caller(&cx)?;
        #[cfg(feature = "conformance-fixtures")]
        if let Some(result) = super::fixtures::prompts::completed(&request) {
            return result;
        }
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
