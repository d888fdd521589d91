//! What can be set about the protocol face. Plain values: the configuration fills them in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::http::Network;
use super::{ApprovalPage, InvestigateBounds};
use crate::auth::{Credentials, Issuer, PublicUrl};
use crate::web::Hosts;

/// Both transports.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Characters that one tool result may have; `None`: as many as the gateway's limits say.
    pub result_chars: Option<usize>,
    /// Bytes of one incoming message (a line on stdio, a body on HTTP).
    pub message_bytes: usize,
    /// How long running tasks may go on after the order to stop.
    pub task_drain: Duration,
    /// Where people approve what is to be written.
    pub approvals: ApprovalPage,
    /// Logins that people give for databases that are used under their own.
    pub credentials: Option<Arc<Credentials>>,
    /// How far an investigation goes.
    pub investigate: InvestigateBounds,
    pub http: HttpSettings,
}

/// The HTTP endpoint.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Where clients find it. Its host and origin are accepted.
    pub public_url: Option<PublicUrl>,
    /// Who gives out tokens for it, as its metadata says; the one to ask first stands first.
    pub issuers: Vec<Issuer>,
    /// For HTTPS.
    pub tls: Option<TlsFiles>,
    /// Who ends TLS in front of it: nobody else is served without.
    pub trusted_proxies: Vec<Network>,
    /// Networks that plain HTTP is taken from, as if they were this machine: that of a container's published port.
    pub plain_http_from: Vec<Network>,
    /// Values of `Host` to accept besides the loopback names: `host` (any port) or `host:port`.
    pub allowed_hosts: Vec<String>,
    /// Values of `Origin` to accept, `scheme://host` with `:port` where it is not the scheme's own. Empty: every request
    /// that a browser makes for a page is refused.
    pub allowed_origins: Vec<String>,
    /// Both lists, where they may become others while it serves.
    pub hosts: Option<Hosts>,
    /// Open connections; one more is answered 503.
    pub connections: usize,
    /// Of those, one address's (of IPv6, one /64's); one more is answered 429. A trusted proxy may have all.
    pub connections_of_one: usize,
    /// For the TLS handshake and the headers of the first request together.
    pub first_request: Duration,
    /// For the headers of each request, and for the next request on an idle connection.
    pub header_timeout: Duration,
    /// For the whole body of a request.
    pub body_timeout: Duration,
    /// For a peer that takes nothing of its answer.
    pub send_timeout: Duration,
    pub sessions: SessionSettings,
    /// How long running calls may go on after the order to stop.
    pub drain_timeout: Duration,
}

/// Who may read metrics.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetricsSettings {
    /// Networks that scrape by plain HTTP; without any, this machine alone.
    pub plain_http_from: Vec<Network>,
    /// Values of `Host` to accept besides the loopback names.
    pub allowed_hosts: Vec<String>,
}

/// A certificate with those that lead to its authority, and its key, both PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

/// Sessions exist in the revisions before 2026-07-28 only.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    pub mode: SessionMode,
    /// All that may be open at once.
    pub total: usize,
    /// Those of one subject.
    pub per_subject: usize,
    /// A session without a message for so long ends.
    pub idle: Duration,
}

/// How clients of the older revisions are served over HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SessionMode {
    /// A session per `initialize`, kept in memory; a dropped connection can be resumed, so it cancels nothing.
    #[default]
    Kept,
    /// Nothing is kept between requests; a dropped connection cancels its call.
    Stateless,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            result_chars: Some(40_000),
            message_bytes: 1024 * 1024,
            task_drain: Duration::from_secs(10),
            approvals: ApprovalPage::default(),
            credentials: None,
            investigate: InvestigateBounds::default(),
            http: HttpSettings::default(),
        }
    }
}

impl HttpSettings {
    /// The names that it is answered to.
    pub fn named(&self) -> Hosts {
        Hosts::new(&self.allowed_hosts, &self.allowed_origins, self.public_url.as_ref())
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            public_url: None,
            issuers: Vec::new(),
            tls: None,
            trusted_proxies: Vec::new(),
            plain_http_from: Vec::new(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            hosts: None,
            connections: 1024,
            connections_of_one: 256,
            first_request: Duration::from_secs(10),
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(15),
            send_timeout: Duration::from_secs(30),
            sessions: SessionSettings::default(),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { mode: SessionMode::Kept, total: 512, per_subject: 64, idle: Duration::from_secs(30 * 60) }
    }
}
