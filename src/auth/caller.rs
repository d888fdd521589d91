//! The caller of one request, after authentication.

use crate::policy::Claims;

/// Whose request it is. Every use case takes one; nothing below `gateway` looks inside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Stable name of the person or service, unique within the configuration.
    pub subject: String,
    /// The client program as it named itself; never trusted.
    pub client: Option<String>,
    /// What the identity says besides: role, tenant, .. (used by policies).
    pub claims: Claims,
}

impl Caller {
    /// The caller on stdio and on an unauthenticated loopback port.
    pub fn local(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), client: None, claims: Claims::none() }
    }
}
