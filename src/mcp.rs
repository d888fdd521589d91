//! The only module that names rmcp: tools, resources, replies, the stdio transport and the HTTP edge.
//!
//! Read `handler` for what is answered, `reply` for what an error becomes, `edge` for what never reaches rmcp,
//! `http::endpoint` for the order of the checks on a request.

mod approval_page;
mod arguments;
mod cache;
mod callers;
mod calls;
mod completion;
mod edge;
mod elicitation;
#[cfg(feature = "conformance-fixtures")]
mod fixtures;
mod handler;
mod http;
mod instructions;
mod prompts;
mod reply;
mod resources;
mod revision;
mod settings;
mod splice;
mod standing;
mod stdio;
mod subscriptions;
mod tasks;
mod tools;
#[doc(hidden)]
pub mod unchecked;

pub use approval_page::ApprovalPage;
pub use http::{Authentication, serve_http};
pub use settings::{HttpSettings, SessionMode, SessionSettings, Settings};
pub use stdio::{serve_pipes, serve_stdio};

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
        "refusing to listen on {0} without authentication; listen on a loopback address, or configure `[auth] tokens`"
    )]
    OpenToAll(std::net::SocketAddr),
}
