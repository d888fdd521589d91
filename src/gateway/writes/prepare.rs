//! What a statement would do: checked and planned, nothing changed.

use tokio_util::sync::CancellationToken;

use super::{PreparedFacts, PreparedWrite, WriteRequest, Written};
use crate::auth::Caller;
use crate::gateway::Gateway;
use crate::pg::{Diagnostic, SqlState};

impl Gateway {
    /// Checks `request` and says what it would do. Nothing is changed.
    #[allow(clippy::unused_async)]
    pub async fn prepare_write(
        &self,
        _caller: &Caller,
        _request: &WriteRequest,
        _cancel: &CancellationToken,
    ) -> Result<PreparedWrite, Diagnostic> {
        Err(Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, "writing is not supported"))
    }

    /// Checks `request` under the policy of now, asks `allowed` about what the check found, then runs and commits it. Dropped
    /// or cancelled before COMMIT was sent, nothing has happened.
    #[allow(clippy::unused_async)]
    pub async fn run_write(
        &self,
        _caller: &Caller,
        _request: &WriteRequest,
        _allowed: &(dyn Fn(&PreparedFacts) -> Result<(), Diagnostic> + Sync),
        _cancel: &CancellationToken,
    ) -> Result<Written, Diagnostic> {
        Err(Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, "writing is not supported"))
    }
}
