//! Whose a task is.

use crate::auth::Caller;

/// For anybody else the task does not exist (MCP, Tasks: requestors are bound by their authorization context).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Owner {
    /// Who vouches for the subject; empty where the configuration does.
    pub issuer: String,
    pub subject: String,
    /// The client that the authorization was given to; empty where it is not bound to one. Never the name that a client
    /// gives itself, which anybody can take and which changes with its version.
    pub client: String,
}

impl Owner {
    pub fn of(caller: &Caller) -> Self {
        let client = caller.client_id.clone().unwrap_or_default();
        Self { issuer: caller.issuer.clone(), subject: caller.subject.clone(), client }
    }
}
