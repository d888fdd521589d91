//! Loads SQL of our own as a superuser, for `pgwarden demo` and tests. On no caller's path: a caller's text never
//! comes here.

use super::ConnectionSettings;
use crate::pg::Diagnostic;

/// Runs a script of many statements on a connection of its own.
pub async fn load(_superuser: &ConnectionSettings, _script: &str) -> Result<(), Diagnostic> {
    todo!("skeleton")
}
