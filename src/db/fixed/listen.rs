//! One connection that listens, replaced when it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::{LIMIT, silent};
use crate::db::connect::Connector;
use crate::db::error;
use crate::db::link::Link;
use crate::db::pooler;
use crate::pg::Diagnostic;

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// A connection that was quiet for so long is asked whether it still stands.
const QUIET: Duration = Duration::from_secs(15);

/// What a listener is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// The payload of a notification.
    Payload(String),
    /// It listens again: what was notified in this time may be lost.
    Again(Duration),
}

/// Ends when dropped.
#[derive(Debug)]
pub struct Listening(JoinHandle<()>);

impl Listening {
    pub(in crate::db) async fn start(
        connector: Arc<Connector>,
        listen: &'static str,
        hear: impl FnMut(Heard) + Send + 'static,
    ) -> Result<Self, Diagnostic> {
        let first = open(&connector, listen).await?;
        Ok(Self(tokio::spawn(keep_listening(connector, listen, first, hear))))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn open(
    connector: &Connector,
    listen: &'static str,
) -> Result<(Link, UnboundedReceiver<String>), Diagnostic> {
    let link = connector.open().await?;
    if link.is_pooled() {
        link.close().await;
        return Err(pooler::no_session("LISTEN"));
    }
    let heard = link.hear();
    let listens = timeout(LIMIT, link.client().batch_execute(listen)).await;
    listens.map_err(|_| silent())?.map_err(|e| error::diagnostic(&e))?;
    Ok((link, heard))
}

async fn keep_listening(
    connector: Arc<Connector>,
    listen: &'static str,
    first: (Link, UnboundedReceiver<String>),
    mut hear: impl FnMut(Heard) + Send,
) {
    let (mut link, mut heard) = first;
    loop {
        let stood = hear_all(&link, &mut heard, &mut hear).await;
        debug!("the listening connection ended");
        link.close().await;
        let mut backoff = FIRST_BACKOFF;
        (link, heard) = loop {
            match open(&connector, listen).await {
                Ok(opened) => break opened,
                Err(failure) => {
                    warn!(sqlstate = failure.sqlstate.as_str(), "nothing listens: {}", failure.message);
                    sleep(backoff).await;
                    backoff = (backoff * 2).min(LONGEST_BACKOFF);
                }
            }
        };
        hear(Heard::Again(stood.elapsed()));
    }
}

/// Until the connection ends: when it was known to stand last.
async fn hear_all(
    link: &Link,
    heard: &mut UnboundedReceiver<String>,
    hear: &mut impl FnMut(Heard),
) -> Instant {
    let mut stood = Instant::now();
    loop {
        match timeout(QUIET, heard.recv()).await {
            Ok(Some(payload)) => {
                stood = Instant::now();
                hear(Heard::Payload(payload));
            }
            Ok(None) => return stood,
            Err(_) => {
                let stands = timeout(LIMIT, link.client().batch_execute("")).await;
                if !matches!(stands, Ok(Ok(()))) {
                    return stood;
                }
                stood = Instant::now();
            }
        }
    }
}
