//! Hints for caches (2026-07-28): how long a list may be kept, and by whom. Older peers pass over them.

use rmcp::model::CacheScope;

use super::callers::Callers;
use super::handler::Handler;

/// Lists that only change with the configuration or a policy.
pub(super) const CONFIGURED_MS: u64 = 60_000;
/// What is read from the schema.
pub(super) const SCHEMA_MS: u64 = 10_000;

impl Handler {
    /// Public only where everybody who can ask gets the same answer: who has no token gets none.
    pub(super) fn cache_scope(&self) -> CacheScope {
        let alike = match self.callers {
            Callers::Fixed(_) | Callers::Request { authenticated: false } => true,
            Callers::Request { authenticated: true } => false,
        };
        if alike && !self.gateway.differs_by_caller() { CacheScope::Public } else { CacheScope::Private }
    }
}
