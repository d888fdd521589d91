//! Sends spans to their collector, a batch at a time. A collector that hangs, refuses or is gone costs spans, and nothing
//! else.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use url::Url;

use super::queue::{Counts, Queue};
use super::span::Span;
use super::{otlp, random_u128};
use crate::outbound::{self, OutboundError, Roots};

/// Spans of one request.
const BATCH: usize = 512;
/// Between two of them.
const EVERY: Duration = Duration::from_secs(1);
const CONNECT: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(5);
/// For what is left when the server stops.
const LAST: Duration = Duration::from_secs(2);

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("requests cannot be set up for the collector")]
    Client,
}

/// The receiving end of a [`Queue`].
#[derive(Debug)]
pub struct Exporter {
    client: Client,
    url: Url,
    instance: String,
    waiting: Receiver<Span>,
    counts: Arc<Counts>,
    /// The last batch was not taken, and the log says so.
    failing: bool,
}

impl Exporter {
    /// For the collector at `base`, as in `http://127.0.0.1:4318`. `ca_file`: who may vouch for it besides the system's
    /// roots.
    pub fn new(base: &Url, ca_file: Option<&Path>) -> Result<(Queue, Self), ExporterError> {
        let tls = outbound::client(Roots::system_and(ca_file).read()?)?;
        let client = Client::builder()
            .use_preconfigured_tls(tls)
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .build()
            .map_err(|_| ExporterError::Client)?;
        let mut url = base.clone();
        url.set_path(&format!("{}/v1/traces", base.path().trim_end_matches('/')));
        let (queue, waiting) = Queue::new();
        let (instance, counts) = (format!("{:032x}", random_u128()), queue.counts());
        Ok((queue, Self { client, url, instance, waiting, counts, failing: false }))
    }

    /// Until `stop` fires; then what is left is sent.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let received = tokio::select! {
                received = self.waiting.recv_many(&mut batch, BATCH) => received,
                () = stop.cancelled() => break,
            };
            if received == 0 {
                return;
            }
            self.send(&mut batch).await;
            let _ = timeout(EVERY, stop.cancelled()).await;
        }
        let _ = timeout(LAST, async {
            self.waiting.close();
            while self.waiting.recv_many(&mut batch, BATCH).await > 0 {
                self.send(&mut batch).await;
            }
        })
        .await;
    }

    /// Once: a second try would keep others waiting.
    async fn send(&mut self, batch: &mut Vec<Span>) {
        let body = otlp::request(batch, &self.instance).to_string();
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        batch.clear();
        let sent = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        let fault = match sent.send().await {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("its status is {}", answer.status())),
            Err(error) if error.is_timeout() => Some("it does not answer".to_owned()),
            Err(_) => Some("it cannot be reached".to_owned()),
        };
        let count = if fault.is_none() { &self.counts.exported } else { &self.counts.failed };
        count.fetch_add(spans, Relaxed);
        if let Some(fault) = fault.as_ref().filter(|_| !self.failing) {
            warn!("the collector of spans does not take them: {fault}");
        }
        self.failing = fault.is_some();
    }
}
