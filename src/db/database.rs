//! One PostgreSQL database behind pgwarden.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{DatabaseSettings, Examination, Ran, RowSink, RunLimits};
use crate::catalog::Catalog;
use crate::pg::Diagnostic;
use crate::sql::Checked;

/// Connects on first use; survives restarts of PostgreSQL.
#[derive(Debug)]
pub struct Database {
    settings: DatabaseSettings,
}

impl Database {
    /// Does not connect.
    pub fn new(settings: DatabaseSettings) -> Arc<Self> {
        Arc::new(Self { settings })
    }

    /// The entry's name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    pub fn settings(&self) -> &DatabaseSettings {
        &self.settings
    }

    /// The catalog, once the start-up checks have passed; runs them when they have not. Refuses an over-privileged
    /// login with its findings. A failure is remembered for a moment (backoff), then tried again.
    pub async fn ready(&self) -> Result<Arc<Catalog>, Diagnostic> {
        todo!("skeleton")
    }

    /// The last snapshot, without waiting; `None` before the first [`Self::ready`].
    pub fn catalog(&self) -> Option<Arc<Catalog>> {
        todo!("skeleton")
    }

    /// The catalog as it is now: asks PostgreSQL whether it changed (at most once a second) and reads it again if
    /// so. For use after a name was not found.
    pub async fn refresh(&self) -> Result<Arc<Catalog>, Diagnostic> {
        todo!("skeleton")
    }

    /// Runs a checked statement. The rows in `sink` may be used only after `Ok`.
    pub async fn run(
        &self,
        _checked: Checked,
        _params: &[Option<String>],
        _limits: &RunLimits,
        _sink: &mut dyn RowSink,
        _cancel: &CancellationToken,
    ) -> Result<Ran, Diagnostic> {
        todo!("skeleton")
    }

    /// Connects anew and reports what is true of the login (`doctor`).
    pub async fn examine(&self) -> Result<Examination, Diagnostic> {
        todo!("skeleton")
    }

    /// Waits until connections being reset or cancelled are done, then closes all.
    pub async fn close(&self) {
        todo!("skeleton")
    }
}
