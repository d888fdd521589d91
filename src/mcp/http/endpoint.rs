//! One request to `/mcp`: Host and Origin, then who calls, then the body, then the session, then rmcp. Whoever fails one
//! learns nothing of the next.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, JsonRpcMessage, ProtocolVersion, RequestId,
};
use rmcp::transport::StreamableHttpService;
use serde_json::Value;
use tokio_util::task::TaskTracker;

use super::body::{self, RmcpResponse};
use super::cancels::{CallKey, Cancels};
use super::compression;
use super::needed;
use super::refusal::Refusal;
use super::resource::{Lacking, Resource};
use super::sessions::{InSession, Sessions};
use super::{Authentication, batch};
use crate::auth::{Bearer, Caller, ClientAddress, Scope, Scopes, Verdict};
use crate::mcp::edge::{self, Fault, Frame};
use crate::mcp::observed::Observed;
use crate::mcp::standing::Standing;
use crate::mcp::tasks::legacy;
use crate::mcp::{SessionMode, revision};
use crate::web::Hosts;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");
const MCP_NAME: HeaderName = HeaderName::from_static("mcp-name");

pub(super) struct Endpoint {
    pub(super) service: StreamableHttpService<Observed, Sessions>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) authentication: Authentication,
    pub(super) hosts: Hosts,
    pub(super) resource: Resource,
    pub(super) cancels: Cancels,
    /// Counts requests until they are answered.
    pub(super) running: TaskTracker,
    pub(super) mode: SessionMode,
    pub(super) message_bytes: usize,
    pub(super) body_timeout: Duration,
}

pub(super) async fn handle(State(endpoint): State<Arc<Endpoint>>, request: Request<Body>) -> Response {
    let client = request.extensions().get().copied();
    let answer = endpoint.answer(request).await.unwrap_or_else(|refusal| refusal.into_response());
    compression::from_afar(answer, client)
}

impl Endpoint {
    async fn answer(&self, request: Request<Body>) -> Result<Response, Refusal> {
        let barred = self.hosts.check(&request).map_err(Refusal::from);
        let (mut parts, body) = request.into_parts();
        let (caller, standing) = match self.admitted(barred, &parts).await {
            Ok(admitted) => admitted,
            Err(refusal) => {
                body::finish(body).await;
                return Err(refusal);
            }
        };
        let subject = whose(&caller);
        parts.extensions.insert(caller);
        let token = standing.token.clone();
        parts.extensions.insert(standing);
        Ok(body::until(self.served(parts, body, &subject).await?, token))
    }

    async fn served(&self, parts: Parts, body: Body, subject: &str) -> Result<Response, Refusal> {
        match (&parts.method, self.mode) {
            (&Method::POST, _) => self.post(parts, body, subject).await,
            (&Method::GET, SessionMode::Kept) => self.listen(parts, subject).await,
            (&Method::DELETE, SessionMode::Kept) => self.end(parts, subject).await,
            (&Method::DELETE, SessionMode::Stateless) => Ok(StatusCode::NO_CONTENT.into_response()),
            (_, SessionMode::Kept) => Err(Refusal::method_not_allowed("GET, POST, DELETE")),
            (_, SessionMode::Stateless) => Err(Refusal::method_not_allowed("POST, DELETE")),
        }
    }

    async fn admitted(
        &self,
        barred: Result<(), Refusal>,
        parts: &Parts,
    ) -> Result<(Caller, Standing), Refusal> {
        barred?;
        let (caller, standing) = self.authenticate(&parts.headers, parts.extensions.get().copied()).await?;
        self.permits(caller.scopes, Scope::Read)?;
        Ok((caller, standing))
    }

    /// Who calls, and the token that they come with.
    async fn authenticate(
        &self,
        headers: &HeaderMap,
        from: Option<ClientAddress>,
    ) -> Result<(Caller, Standing), Refusal> {
        let authenticator = match &self.authentication {
            Authentication::Open(caller) => return Ok((caller.clone(), Standing::default())),
            Authentication::Bearer(authenticator) => authenticator,
        };
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let first = given.next();
        if given.next().is_some() {
            return Err(Refusal::two_credentials());
        }
        // Only there: a token in the query or in a form is none.
        let token = first.and_then(bearer);
        let token = token.ok_or_else(|| Refusal::lacking(Lacking::Token, &self.resource))?;
        match authenticator.verify(token, from).await {
            Verdict::Admitted(admitted) => {
                let bearer = Some(Arc::new(Bearer::of(token)));
                let standing = Standing { token: admitted.ended, bearer, ..Standing::default() };
                Ok((admitted.caller, standing))
            }
            Verdict::Foreign | Verdict::Invalid => Err(Refusal::lacking(Lacking::ValidToken, &self.resource)),
            Verdict::Unavailable => Err(Refusal::unverifiable()),
        }
    }

    /// `admin` brings `write` along, and so on: what a token has already is asked for again, lest it be lost.
    fn permits(&self, given: Scopes, needed: Scope) -> Result<(), Refusal> {
        if given.has(needed) {
            return Ok(());
        }
        let needed = given.iter().chain([needed]).collect();
        Err(Refusal::lacking(Lacking::Scopes(needed), &self.resource))
    }

    async fn post(&self, mut parts: Parts, body: Body, subject: &str) -> Result<Response, Refusal> {
        let bytes = self.read(&parts.headers, body).await?;
        let said = said_revision(&parts.headers);
        let bytes = match legacy::inbound(&bytes) {
            Cow::Owned(renamed) => {
                say_renamed(&mut parts.headers);
                Bytes::from(renamed)
            }
            Cow::Borrowed(_) => bytes,
        };
        let frame = edge::read(&bytes).map_err(|fault| Refusal::fault(fault, said.clone()))?;
        let given = parts.extensions.get::<Caller>().map_or(Scopes::NONE, |caller| caller.scopes);
        self.permits(given, needed::scope(&frame))?;
        match frame {
            Frame::Batch(members) => {
                let session = self.enter(&mut parts, subject, None)?;
                let revision = session.as_ref().and_then(|session| session.revision.clone()).or(said);
                if !revision.as_ref().is_none_or(revision::has_batches) {
                    let fault = Fault::invalid_request("this protocol revision has no batches");
                    return Err(Refusal::fault(fault, revision));
                }
                let _running = self.running.token();
                Ok(batch::answer(self, &parts, &members).await)
            }
            Frame::Message(message) => match *message {
                JsonRpcMessage::Request(request) => {
                    let id = request.id;
                    match request.request {
                        ClientRequest::InitializeRequest(_) => {
                            self.initialize(parts, bytes, subject, id).await
                        }
                        other => self.call(parts, bytes, subject, (id, other.method())).await,
                    }
                }
                other => self.notify(parts, bytes, subject, &other).await,
            },
        }
    }

    async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
        let announced =
            headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced
            .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > self.message_bytes))
        {
            return Err(Refusal::too_large(self.message_bytes));
        }
        let whole = Limited::new(body, self.message_bytes).collect();
        match tokio::time::timeout(self.body_timeout, whole).await {
            Ok(Ok(whole)) => Ok(whole.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::too_large(self.message_bytes)),
            Ok(Err(_)) => Err(Refusal::fault(Fault::invalid_request("the body broke off"), None)),
            Err(_) => Err(Refusal::too_slow()),
        }
    }

    async fn initialize(
        &self,
        mut parts: Parts,
        bytes: Bytes,
        subject: &str,
        id: RequestId,
    ) -> Result<Response, Refusal> {
        let id = Some(id);
        // A client that begins anew with its old id gets a new one.
        parts.headers.remove(SESSION_ID);
        if self.mode == SessionMode::Stateless {
            let mut response = body::outgoing(self.forward(parts, bytes).await, id, ()).await;
            response.headers_mut().insert(SESSION_ID, random_id());
            return Ok(response);
        }
        let full = |full: super::sessions::Full| Refusal::too_many_sessions(id.clone(), full.own);
        let reservation = self.sessions.reserve(subject).await.map_err(full)?;
        let person =
            parts.extensions.get::<Caller>().map(|caller| (caller.issuer.clone(), caller.subject.clone()));
        let (issuer, subject) = person.unwrap_or_default();
        let person = (issuer.as_str(), subject.as_str());
        let response = self.forward(parts, bytes).await;
        if let Some(session) = response.headers().get(SESSION_ID).and_then(|session| session.to_str().ok()) {
            reservation.bind(session, person);
        }
        Ok(body::outgoing(response, id, ()).await)
    }

    async fn call(
        &self,
        mut parts: Parts,
        bytes: Bytes,
        subject: &str,
        (id, method): (RequestId, &str),
    ) -> Result<Response, Refusal> {
        let answered = Some(id.clone());
        let session = self.enter(&mut parts, subject, answered.clone())?;
        let held = (session, self.running.token());
        fill_in_name(&mut parts.headers, method, &bytes);
        let Some(client) = self.stateless_client(&parts.headers) else {
            return Ok(body::outgoing(self.forward(parts, bytes).await, answered, held).await);
        };
        let key = CallKey { subject: subject.to_owned(), client, id };
        let call = self.cancels.begin(key);
        tokio::select! {
            response = self.forward(parts, bytes) => Ok(body::outgoing(response, answered, held).await),
            // Dropping rmcp's future cancels the call, as a lost connection would. The client waits for no answer.
            () = call.token.cancelled() => Ok(StatusCode::ACCEPTED.into_response()),
        }
    }

    async fn notify(
        &self,
        mut parts: Parts,
        bytes: Bytes,
        subject: &str,
        message: &ClientJsonRpcMessage,
    ) -> Result<Response, Refusal> {
        let session = self.enter(&mut parts, subject, None)?;
        if let JsonRpcMessage::Notification(notification) = message
            && let ClientNotification::CancelledNotification(cancelled) = &notification.notification
            && let (Some(id), Some(client)) =
                (&cancelled.params.request_id, self.stateless_client(&parts.headers))
        {
            self.cancels.cancel(&CallKey { subject: subject.to_owned(), client, id: id.clone() });
        }
        Ok(body::outgoing(self.forward(parts, bytes).await, None, session).await)
    }

    /// The stream for messages of the server's own.
    async fn listen(&self, mut parts: Parts, subject: &str) -> Result<Response, Refusal> {
        let session = self.enter(&mut parts, subject, None)?;
        let response = self.forward(parts, Bytes::new()).await;
        let hearing = session.as_ref().filter(|_| response.status().is_success()).map(InSession::hears);
        Ok(body::outgoing(response, None, (session, hearing)).await)
    }

    async fn end(&self, mut parts: Parts, subject: &str) -> Result<Response, Refusal> {
        // Left again at once: the session is about to go.
        drop(self.enter(&mut parts, subject, None)?);
        let response = self.forward(parts, Bytes::new()).await;
        if response.status() == StatusCode::ACCEPTED {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        Ok(body::outgoing(response, None, ()).await)
    }

    pub(super) async fn forward(&self, parts: Parts, bytes: Bytes) -> RmcpResponse {
        self.service.handle(Request::from_parts(parts, Full::new(bytes))).await
    }

    /// None where no session is named; whether one is needed is rmcp's to say.
    fn enter(
        &self,
        parts: &mut Parts,
        subject: &str,
        id: Option<RequestId>,
    ) -> Result<Option<InSession>, Refusal> {
        let session = match (parts.headers.get(SESSION_ID), self.mode) {
            (None, _) | (_, SessionMode::Stateless) => return Ok(None),
            (Some(session), SessionMode::Kept) => session.to_str().unwrap_or_default(),
        };
        let entered = self.sessions.enter(session, subject).ok_or_else(|| Refusal::no_session(id))?;
        if let Some(standing) = parts.extensions.get_mut::<Standing>() {
            standing.session = entered.ended.clone();
            standing.streams = Some(entered.streams.subscribe());
        }
        Ok(Some(entered))
    }

    fn stateless_client(&self, headers: &HeaderMap) -> Option<String> {
        let client = headers.get(SESSION_ID).and_then(|client| client.to_str().ok());
        client.filter(|_| self.mode == SessionMode::Stateless).map(str::to_owned)
    }
}

/// Whose a session is. What it is told unasked is what its claims let it see: with others the same subject is another one.
fn whose(caller: &Caller) -> String {
    let Caller { client_id, claims, .. } = caller;
    format!("{}\u{1f}{client_id:?}{claims:?}", caller.key())
}

pub(in crate::mcp) fn bearer(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn said_revision(headers: &HeaderMap) -> Option<ProtocolVersion> {
    let said = headers.get(PROTOCOL_VERSION)?.to_str().ok()?;
    serde_json::from_value(Value::from(said)).ok()
}

/// The header goes with the body's method: a wrong one is as wrong as before.
fn say_renamed(headers: &mut HeaderMap) {
    let said = headers.get(MCP_METHOD).and_then(|method| method.to_str().ok());
    if let Some(private) = said.and_then(|method| HeaderValue::from_str(&legacy::private(method)).ok()) {
        headers.insert(MCP_METHOD, private);
    }
}

/// Some clients leave `Mcp-Name` out on the task methods, where rmcp insists on it.
fn fill_in_name(headers: &mut HeaderMap, method: &str, bytes: &[u8]) {
    if !method.starts_with("tasks/") || headers.contains_key(MCP_NAME) {
        return;
    }
    let message: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let task = message.pointer("/params/taskId").and_then(Value::as_str);
    if let Some(name) = task.and_then(|task| HeaderValue::from_str(task).ok()) {
        headers.insert(MCP_NAME, name);
    }
}

/// Only tells clients apart: whoever guesses one can cancel calls of its own subject at the most.
fn random_id() -> HeaderValue {
    let mut bytes = [0_u8; 16];
    let known = getrandom::fill(&mut bytes).is_ok();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(if known { &hex } else { "unknown" }).unwrap_or(HeaderValue::from_static("unknown"))
}
