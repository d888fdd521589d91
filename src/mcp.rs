//! The only module that names rmcp: tools, resources, replies, the stdio transport and the HTTP edge.
//!
//! Read `handler` for what is answered, `reply` for what an error becomes, `edge` for what never reaches rmcp,
//! `http::endpoint` for the order of the checks on a request.

mod approval_page;
mod apps;
mod arguments;
mod cache;
mod callers;
mod calls;
mod capabilities;
mod completion;
mod edge;
mod elicitation;
#[cfg(feature = "conformance-fixtures")]
mod fixtures;
mod handler;
mod http;
mod instructions;
mod listing;
mod observed;
mod own_login;
mod prompts;
mod reply;
mod resources;
mod revision;
mod sampling;
mod settings;
mod splice;
mod standby;
mod standing;
mod stdio;
mod subscriptions;
mod tasks;
mod tools;
#[doc(hidden)]
pub mod unchecked;

pub use approval_page::ApprovalPage;
pub use http::{
    Authentication, Network, may_show_metrics, may_show_operations, serve_http, serve_metrics,
    serve_operations,
};
pub use settings::{HttpSettings, MetricsSettings, SessionMode, SessionSettings, Settings, TlsFiles};
pub use stdio::{serve_pipes, serve_stdio};
pub use tools::investigate::Bounds as InvestigateBounds;

/// `name` is that of a tool that is no saved query.
pub fn is_built_in(name: &str) -> bool {
    tools::Tools::is_built_in(name)
}

/// Why serving ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the client could not be served: {0}")]
    Handshake(String),
    #[error("serving was interrupted by a fault of the program")]
    Interrupted,
    #[error(
        "refusing to serve on {0} without authentication, where others can reach it; listen on a loopback address without a proxy, or configure `[auth]`"
    )]
    OpenToAll(std::net::SocketAddr),
    #[error(
        "refusing plain HTTP on {0}: configure `[server.tls]`, or name the proxy that ends TLS in `[server] trusted_proxies`"
    )]
    PlainBeyondLoopback(std::net::SocketAddr),
    #[error(
        "refusing to show metrics on {0}, where others can reach them: name who scrapes in `[metrics] plain_http_from`, or listen on a loopback address"
    )]
    MetricsBeyondLoopback(std::net::SocketAddr),
    #[error(
        "refusing to show the operations page on {0}, where others can reach it: configure `[operations.tls]`, or name the proxy that ends TLS in `[operations] trusted_proxies`; its `public_url` has to be set, too"
    )]
    OperationsBeyondLoopback(std::net::SocketAddr),
    #[error("TLS: {0}")]
    Tls(String),
}
