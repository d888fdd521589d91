//! Who is connected, as the transport tells it.

use std::fmt::Debug;
use std::time::Duration;

/// A session of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionView {
    pub issuer: String,
    pub subject: String,
    /// As the client calls itself.
    pub client: Option<String>,
    /// The revision of the protocol.
    pub revision: Option<String>,
    /// Streams for what it is told unasked.
    pub streams: usize,
    /// Requests that are being answered.
    pub requests: usize,
    /// Since its last request.
    pub idle: Duration,
}

/// Where sessions are kept.
pub trait Connected: Send + Sync + Debug {
    /// Those used last, at most `most`, and how many there are.
    fn sessions(&self, most: usize) -> (Vec<SessionView>, usize);
}
