//! The end of a call that looks at the server: its answer, the caller's cancel, or the time that it may take.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::pg::{Diagnostic, SqlState};

/// Dropping `work` stops what runs in PostgreSQL.
pub(super) async fn within<T>(
    deadline: Duration,
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, Diagnostic>>,
) -> Result<T, Diagnostic> {
    let ended = |message: String| Diagnostic::refused(SqlState::QUERY_CANCELED, message);
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(ended("the caller cancelled the call".to_owned())),
        done = work => done,
        () = tokio::time::sleep(deadline) => {
            let message = format!("the call took longer than its deadline of {} s", deadline.as_secs());
            Err(ended(message).hint("ask for less at once"))
        }
    }
}
