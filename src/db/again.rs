//! A statement that was seen before, in one flight: BEGIN, settings, Parse, Bind and Execute, locks.
//!
//! It proves what [`super::run`] proves, with the same answers: the session is ours, Parse tells the columns and parameters
//! that it told before, and what was locked at the end, Parse's locks included, is within what was checked. Only then are
//! there rows. What cannot be proved, an error above all, is told by nobody: the statement takes the long way once more.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;

use futures_util::future::maybe_done;
use futures_util::poll;
use tokio::time::Instant;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState as Code;

use super::envelope::{BEGIN, Envelope};
use super::link::Link;
use super::repeatable::Seen;
use super::rows::Failed;
use super::run::{Call, Covered, Surroundings, bound};
use super::traced::traced;
use super::{Ran, RowSink, error, locks};
use crate::pg::Diagnostic;
use crate::sql::StatementKind;
use crate::telemetry::trace::Context;

impl Surroundings<'_> {
    /// `None`: nothing is proved, and the statement has yet to be run. `sink` may have got rows, which count for nothing.
    pub(super) async fn again(
        &self,
        call: &Call<'_>,
        seen: &Seen,
        sink: &mut dyn RowSink,
        context: Option<&Context>,
    ) -> Result<Option<Ran>, Diagnostic> {
        let remaining = call.ends.saturating_duration_since(Instant::now());
        let mut lease = self.lease(remaining).await?;
        if !lease.peek().is_some_and(|link| seen.is_told_at_once(link)) {
            return Ok(None);
        }
        let envelope = self.envelope(call, remaining);
        let Some(link) = lease.link() else { return Err(error::lost()) };
        call.progress.has_connection();
        let Some(covered) = self.flight(link, call, (&envelope, seen, context), sink).await? else {
            return Ok(None);
        };
        let ran = call.ran(&covered, link);
        if covered.ended {
            lease.end();
        }
        Ok(Some(ran))
    }

    async fn flight(
        &self,
        link: &Link,
        call: &Call<'_>,
        (envelope, seen, context): (&Envelope, &Seen, Option<&Context>),
        sink: &mut dyn RowSink,
    ) -> Result<Option<Covered>, Diagnostic> {
        let client = link.client();
        let projected = seen.projected(call.checked, self.catalog, call.limits);
        let text = traced(projected.text(), context);
        let mut begun = pin!(maybe_done(client.batch_execute(BEGIN)));
        let mut set = pin!(maybe_done(envelope.apply(client, call.progress)));
        let mut parsed = pin!(maybe_done(client.prepare(call.checked.text())));
        let params = bound(call.params, seen.params());
        let mut rows = pin!(maybe_done(client.query_typed_raw(&text, params)));
        let mut locks = pin!(maybe_done(locks::own(client)));
        // Each leaves on its first poll. No row is read before all that stands before it was answered.
        poll_fn(|cx| {
            let first = [begun.as_mut().poll(cx), set.as_mut().poll(cx)];
            let _ = parsed.as_mut().poll(cx);
            let opened = rows.as_mut().poll(cx);
            let _ = locks.as_mut().poll(cx);
            if first.iter().all(Poll::is_ready) { opened } else { Poll::Pending }
        })
        .await;
        // Its answer came before. Where the driver still asks about types, they are others than they were.
        let _ = poll!(parsed.as_mut());
        let (Some(Ok(())), Some(Ok(session)), Some(parsed), Some(rows)) = (
            begun.as_mut().take_output(),
            set.as_mut().take_output(),
            parsed.as_mut().take_output(),
            rows.as_mut().take_output(),
        ) else {
            return Ok(None);
        };
        let statement = match parsed {
            Ok(statement) => statement,
            Err(failed) if is_late(&failed) => return Err(call.not_parsed(&failed)),
            Err(_) => return Ok(None),
        };
        session.check(self.users)?;
        if !seen.is_like(&statement) {
            return Ok(None);
        }
        let rows = match rows {
            Ok(rows) => rows,
            Err(failed) if is_unproved(&failed) => return Ok(None),
            Err(failed) => return Err(call.diagnostic(&failed)),
        };
        sink.begin(projected.columns());
        // What was given away was covered by locks from outside.
        let given = AtomicBool::new(false);
        let streaming = self.stream(call, (&projected, &given), (rows, locks), sink);
        match streaming.await {
            Ok(covered) => Ok(Some(covered)),
            Err(Failed::Driver(failed)) if !given.load(Relaxed) && is_unproved(&failed) => Ok(None),
            Err(failed) => Err(call.failed(failed)),
        }
    }
}

impl Call<'_> {
    /// It may run before our verdict. Not what must be planned first, nor what may read anything.
    pub(super) fn is_repeatable(&self) -> bool {
        self.checked.kind() == StatementKind::Query
            && !self.checked.runs_user_code()
            && !(self.limits.planner.is_some() && self.checked.is_estimable())
    }
}

/// PostgreSQL's own error, whose words may hold what nobody has seen to be within reach. A statement that its server did not
/// survive is not asked again.
fn is_unproved(failed: &Error) -> bool {
    !error::is_gone(failed) && !is_late(failed)
}

/// It has waited as long as it may. Nothing else is told with it.
fn is_late(failed: &Error) -> bool {
    failed.code().is_some_and(|code| matches!(*code, Code::QUERY_CANCELED | Code::LOCK_NOT_AVAILABLE))
}
