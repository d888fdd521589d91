//! One connection to PostgreSQL: the client, the task that drives it, its notices, and the way to cancel it.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Connection, Statement};

use super::cancel::Canceler;
use super::{error, repeatable};
use crate::pg::Diagnostic;

/// Notices kept for one statement; a function in a loop can send millions.
const NOTICES: usize = 20;
/// How long a closing connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) struct Link {
    client: Client,
    driver: Driver,
    notices: Notices,
    hearing: Hearing,
    canceler: Canceler,
    local_port: Option<u16>,
    opened: Instant,
    /// Server connections are lent to it for a transaction.
    pooled: bool,
    /// `session_user`.
    user: String,
    /// What the driver keeps of it holds no more.
    spent: AtomicBool,
    /// Types that the driver has asked about here, and asks no more.
    types: Mutex<Vec<u32>>,
}

#[derive(Clone, Default)]
struct Notices(Arc<Mutex<Vec<Diagnostic>>>);

/// Who hears the notifications of this connection.
#[derive(Clone, Default)]
struct Hearing(Arc<Mutex<Option<UnboundedSender<String>>>>);

/// Ends the task, and with it the socket, when dropped.
struct Driver(JoinHandle<()>);

impl Link {
    pub fn new<S, T>(
        client: Client,
        connection: Connection<S, T>,
        canceler: Canceler,
        local_port: Option<u16>,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let notices = Notices::default();
        let hearing = Hearing::default();
        let driver = Driver(tokio::spawn(drive(connection, notices.clone(), hearing.clone())));
        Self {
            client,
            driver,
            notices,
            hearing,
            canceler,
            local_port,
            opened: Instant::now(),
            pooled: false,
            user: String::new(),
            spent: AtomicBool::new(false),
            types: Mutex::default(),
        }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn canceler(&self) -> &Canceler {
        &self.canceler
    }

    /// Our end of the TCP connection.
    pub fn local_port(&self) -> Option<u16> {
        self.local_port
    }

    /// What was found out when it was opened.
    pub fn met(&mut self, pooled: bool, user: String) {
        (self.pooled, self.user) = (pooled, user);
    }

    /// Between two transactions it is somebody else's session.
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// The login at its other end.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// It is not lent again.
    pub fn spend(&self) {
        self.spent.store(true, Relaxed);
    }

    pub fn is_spent(&self) -> bool {
        self.spent.load(Relaxed)
    }

    /// The driver has its types now.
    pub fn learns(&self, statement: &Statement) {
        let foreign = repeatable::foreign(statement);
        if !foreign.is_empty() {
            let mut types = self.types.lock().unwrap_or_else(PoisonError::into_inner);
            types.extend(foreign);
            types.sort_unstable();
            types.dedup();
        }
    }

    pub fn knows(&self, foreign: &[u32]) -> bool {
        let types = self.types.lock().unwrap_or_else(PoisonError::into_inner);
        foreign.iter().all(|oid| types.binary_search(oid).is_ok())
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// The notices since the last call.
    pub fn take_notices(&self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.notices.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The payloads of notifications from now on; ends with the connection.
    pub fn hear(&self) -> UnboundedReceiver<String> {
        let (sender, receiver) = unbounded_channel();
        self.hearing.set((!self.driver.0.is_finished()).then_some(sender));
        receiver
    }

    /// Says goodbye (so that PostgreSQL logs no lost connection), or hangs up after a second.
    pub async fn close(self) {
        let Self { client, mut driver, .. } = self;
        drop(client);
        // Whatever comes, the driver is dropped next.
        let _ = tokio::time::timeout(GOODBYE, &mut driver.0).await;
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Notices {
    fn push(&self, notice: Diagnostic) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < NOTICES {
            kept.push(notice);
        }
    }
}

impl Hearing {
    fn set(&self, sender: Option<UnboundedSender<String>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sender;
    }

    fn tell(&self, payload: &str) {
        if let Some(sender) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Who no longer listens misses nothing.
            let _ = sender.send(payload.to_owned());
        }
    }
}

/// Nothing is heard any more.
struct Deaf(Hearing);

impl Drop for Deaf {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

async fn drive<S, T>(mut connection: Connection<S, T>, notices: Notices, hearing: Hearing)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let hearing = Deaf(hearing);
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => notices.push(error::from_server(&notice)),
            Some(Ok(AsyncMessage::Notification(heard))) => hearing.0.tell(heard.payload()),
            Some(Ok(_)) => {}
            // The requests in flight report it; here it is only the reason for the end.
            Some(Err(_)) | None => return,
        }
    }
}
