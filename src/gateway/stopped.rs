//! Which of the statements that did not come to their end were cancelled, and which took too long.

use tokio_util::sync::CancellationToken;

use super::Gateway;
use crate::pg::{Diagnostic, Source, SqlState};
use crate::telemetry::{Event, Stopped};

impl Gateway {
    /// Says so, if that is what `ended` tells. `cancel` is the caller's.
    pub(super) fn report_stop(&self, database: &str, ended: Option<&Diagnostic>, cancel: &CancellationToken) {
        let Some(ended) = ended.filter(|ended| ended.sqlstate == SqlState::QUERY_CANCELED) else { return };
        let how = match ended.source {
            _ if cancel.is_cancelled() => Stopped::ByCaller,
            Source::Pgwarden => Stopped::AtDeadline,
            Source::Postgresql | Source::Connection => Stopped::ByServer,
        };
        self.telemetry.emit(&Event::Stopped { database, how });
    }
}
