//! rmcp's sessions with what it leaves out: each belongs to the subject that opened it, there are only so many, and for
//! everybody else a session does not exist.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, Stream};
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, JsonRpcMessage, ProtocolVersion, ServerJsonRpcMessage, ServerResult,
};
use rmcp::transport::streamable_http_server::session::ServerSseMessage;
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, SessionConfig, SessionTransport,
};
use rmcp::transport::streamable_http_server::{SessionId, SessionManager};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::gateway::{Connected, SessionView};
use crate::mcp::SessionSettings;
use crate::mcp::callers::client_name;
use crate::telemetry::metrics::series::{SESSIONS, STREAMS};
use crate::telemetry::metrics::{Page, Source};

pub(super) struct Sessions {
    inner: LocalSessionManager,
    settings: SessionSettings,
    book: Mutex<Book>,
}

/// INVARIANT: `of_subject` counts the reservations and the open sessions that have that owner.
#[derive(Default)]
struct Book {
    open: HashMap<SessionId, Entry>,
    of_subject: HashMap<String, usize>,
    /// Reservations whose session has no owner yet.
    pending: usize,
}

struct Entry {
    /// None until the answer to `initialize` is on its way: until then nobody can enter.
    owner: Option<String>,
    /// Who that is, for those who operate the server.
    person: (String, String),
    client: Option<String>,
    revision: Option<ProtocolVersion>,
    used: Instant,
    requests: usize,
    ended: CancellationToken,
    /// How many streams are open for what the server says unasked.
    streams: watch::Sender<usize>,
}

/// A place for a session that is being opened; given back when dropped.
pub(super) struct Reservation {
    sessions: Arc<Sessions>,
    subject: Option<String>,
}

/// A request inside a session: it is not evicted meanwhile.
pub(super) struct InSession {
    sessions: Arc<Sessions>,
    id: SessionId,
    pub(super) revision: Option<ProtocolVersion>,
    pub(super) ended: CancellationToken,
    pub(super) streams: watch::Sender<usize>,
}

/// A stream that is open while this lives.
pub(super) struct Hearing(watch::Sender<usize>);

/// No place. `own`: this subject has used up its share.
#[derive(Debug)]
pub(super) struct Full {
    pub(super) own: bool,
}

impl Sessions {
    pub(super) fn new(settings: &SessionSettings) -> Self {
        let mut config = SessionConfig::default();
        config.keep_alive = Some(settings.idle);
        let mut inner = LocalSessionManager::default();
        inner.session_config = config;
        Self { inner, settings: settings.clone(), book: Mutex::default() }
    }

    /// Before `initialize`. A subject with too many loses the one it has not used for longest.
    pub(super) async fn reserve(self: &Arc<Self>, subject: &str) -> Result<Reservation, Full> {
        loop {
            let oldest = match self.book().reserve(subject, &self.settings) {
                Ok(()) => {
                    return Ok(Reservation { sessions: self.clone(), subject: Some(subject.to_owned()) });
                }
                Err((full, None)) => return Err(full),
                Err((_, Some(oldest))) => oldest,
            };
            let _ = self.close_session(&oldest).await;
        }
    }

    /// None for an unknown session and for another subject's.
    pub(super) fn enter(self: &Arc<Self>, id: &str, subject: &str) -> Option<InSession> {
        let mut book = self.book();
        let (id, _) = book.open.get_key_value(id)?;
        let id = id.clone();
        let entry = book.open.get_mut(&id).filter(|entry| entry.owner.as_deref() == Some(subject))?;
        entry.used = Instant::now();
        entry.requests += 1;
        let (revision, ended, streams) = (entry.revision.clone(), entry.ended.clone(), entry.streams.clone());
        Some(InSession { sessions: self.clone(), id, revision, ended, streams })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Else the session that may be ended to make room.
    fn reserve(
        &mut self,
        subject: &str,
        settings: &SessionSettings,
    ) -> Result<(), (Full, Option<SessionId>)> {
        let own = self.of_subject.get(subject).copied().unwrap_or(0) >= settings.per_subject;
        if own || self.open.len().saturating_add(self.pending) >= settings.total {
            return Err((Full { own }, self.oldest_idle(subject)));
        }
        *self.of_subject.entry(subject.to_owned()).or_default() += 1;
        self.pending += 1;
        Ok(())
    }

    fn oldest_idle(&self, subject: &str) -> Option<SessionId> {
        let own = |entry: &Entry| entry.owner.as_deref() == Some(subject) && entry.requests == 0;
        let idle = self.open.iter().filter(|(_, entry)| own(entry));
        idle.min_by_key(|(_, entry)| entry.used).map(|(id, _)| id.clone())
    }

    fn release(&mut self, subject: &str) {
        if let Some(count) = self.of_subject.get_mut(subject) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.of_subject.remove(subject);
            }
        }
    }
}

impl Reservation {
    /// The session is the subject's from here on.
    ///
    /// RACE: it may have ended meanwhile; then its entry is gone and the place is given back.
    pub(super) fn bind(mut self, id: &str, (issuer, subject): (&str, &str)) {
        let sessions = self.sessions.clone();
        let mut book = sessions.book();
        if let Some(entry) = book.open.get_mut(id) {
            entry.owner = self.subject.take();
            entry.person = (issuer.to_owned(), subject.to_owned());
            book.pending = book.pending.saturating_sub(1);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // `bind` on a session that is gone keeps its lock until after this: taken only where there is a subject left.
        if let Some(subject) = self.subject.take() {
            let mut book = self.sessions.book();
            book.release(&subject);
            book.pending = book.pending.saturating_sub(1);
        }
    }
}

impl InSession {
    /// The client has opened a stream.
    pub(super) fn hears(&self) -> Hearing {
        self.streams.send_modify(|open| *open += 1);
        Hearing(self.streams.clone())
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

impl Drop for InSession {
    fn drop(&mut self) {
        if let Some(entry) = self.sessions.book().open.get_mut(&self.id) {
            entry.requests = entry.requests.saturating_sub(1);
            entry.used = Instant::now();
        }
    }
}

impl Source for Sessions {
    fn read(&self) -> BoxFuture<'_, Page> {
        let mut page = Page::default();
        let book = self.book();
        page.count(&SESSIONS, &[], book.open.len());
        page.count(&STREAMS, &[], book.open.values().map(|entry| *entry.streams.borrow()).sum());
        drop(book);
        async move { page }.boxed()
    }
}

impl Connected for Sessions {
    fn sessions(&self, most: usize) -> (Vec<SessionView>, usize) {
        let book = self.book();
        let mut entries: Vec<&Entry> = book.open.values().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.used));
        let view = |entry: &&Entry| SessionView {
            issuer: entry.person.0.clone(),
            subject: entry.person.1.clone(),
            client: entry.client.clone(),
            revision: entry.revision.as_ref().map(|revision| revision.as_str().to_owned()),
            streams: *entry.streams.borrow(),
            requests: entry.requests,
            idle: entry.used.elapsed(),
        };
        (entries.iter().take(most).map(view).collect(), entries.len())
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// Who begins a session, as the client calls itself.
fn client_of(message: &ClientJsonRpcMessage) -> Option<String> {
    let JsonRpcMessage::Request(request) = message else { return None };
    let ClientRequest::InitializeRequest(initialize) = &request.request else { return None };
    client_name(&initialize.params.client_info)
}

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = SessionTransport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let (id, transport) = self.inner.create_session().await?;
        let entry = Entry {
            owner: None,
            person: <_>::default(),
            client: None,
            revision: None,
            used: Instant::now(),
            requests: 0,
            ended: CancellationToken::new(),
            streams: watch::Sender::new(0),
        };
        self.book().open.insert(id.clone(), entry);
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let client = client_of(&message);
        let answer = self.inner.initialize_session(id, message).await?;
        if let JsonRpcMessage::Response(response) = &answer
            && let ServerResult::InitializeResult(result) = &response.result
            && let Some(entry) = self.book().open.get_mut(id)
        {
            entry.revision = Some(result.protocol_version.clone());
            entry.client = client;
        }
        Ok(answer)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.inner.has_session(id).await
    }

    /// rmcp calls this for every end: DELETE, idleness, a failed handshake.
    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        let closed = self.inner.close_session(id).await;
        let mut book = self.book();
        if let Some(entry) = book.open.remove(id) {
            entry.ended.cancel();
            entry.owner.iter().for_each(|owner| book.release(owner));
        }
        closed
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        SessionManager::create_stream(&self.inner, id, message).await
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        self.inner.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        SessionManager::create_standalone_stream(&self.inner, id).await
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        SessionManager::resume(&self.inner, id, last_event_id).await
    }
}
