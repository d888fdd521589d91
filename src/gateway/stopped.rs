//! Which of the statements that did not come to their end were cancelled, and which took too long.

use tokio_util::sync::CancellationToken;

use super::Gateway;
use crate::pg::{Diagnostic, Source, SqlState};
use crate::telemetry::{Event, Stopped};

impl Gateway {
    /// Says so, if that is what `ended` tells of the run `query_id`. `cancel` is the caller's, and fires for operators too.
    pub(super) fn report_stop(
        &self,
        database: &str,
        query_id: &str,
        ended: Option<&Diagnostic>,
        cancel: &CancellationToken,
    ) {
        let Some(ended) = ended else { return };
        let refused = ended.rule.as_deref().is_some_and(|rule| rule.starts_with("operations."));
        if ended.sqlstate != SqlState::QUERY_CANCELED && !refused {
            return;
        }
        let how = match ended.source {
            _ if refused || self.operations.has_stopped(query_id) => Stopped::ByOperator,
            _ if cancel.is_cancelled() => Stopped::ByCaller,
            Source::Pgwarden => Stopped::AtDeadline,
            Source::Postgresql | Source::Connection => Stopped::ByServer,
        };
        self.telemetry.emit(&Event::Stopped { database, how });
    }
}
