//! Loads SQL of our own as a superuser, for `pgwarden demo` and tests. On no caller's path: a caller's text never
//! comes here.

use super::connect::Connector;
use super::{ConnectionSettings, error};
use crate::pg::Diagnostic;

/// Runs a script of many statements on a connection of its own.
pub async fn load(superuser: &ConnectionSettings, script: &str) -> Result<(), Diagnostic> {
    let link = Connector::new(superuser.clone()).open().await?;
    let loaded = link.client().batch_execute(script).await.map_err(|e| error::diagnostic(&e));
    link.close().await;
    loaded
}
