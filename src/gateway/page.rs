//! The next page of an answer: rows that were read when the question was asked, under the policy of that time.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::output::Encoder;
use super::query::{Cut, Rest, reply};
use super::tasks::{PagesEnd, PagesHeader, from_text};
use super::{CallLimits, Format, Gateway, QueryOutput};
use crate::auth::Caller;
use crate::db::{Flow, RowSink};
use crate::pg::{Diagnostic, SqlState};
use crate::tasks::spool::{Cursor, Rows};
use crate::tasks::{Owner, Task, TaskId};
use crate::telemetry::Telemetry;

/// How far one page got.
enum Reached {
    /// The page is full: the row at the cursor did not fit.
    Full,
    /// Behind the last row that there is so far.
    Last,
}

impl Gateway {
    /// Reads on at `cursor`. Waits up to `patience` for rows that are still being read; then the page ends where they do.
    /// `format`: another than before.
    pub async fn next_page(
        &self,
        caller: &Caller,
        cursor: &str,
        format: Option<Format>,
        patience: Duration,
        cancel: &CancellationToken,
    ) -> Result<QueryOutput, Diagnostic> {
        let cursor: Cursor = cursor.trim().parse().map_err(|()| no_such_cursor())?;
        let owner = Owner::of(caller);
        let (header, within) = self.page_header(caller, &owner, cursor.task).await?;
        let mut encoder =
            Encoder::new(format.unwrap_or(header.format), within.characters, header.field_characters);
        encoder.begin(&header.columns);
        let mut next = cursor;
        let mut changes = self.task_changes();
        let (until, counts) = (Instant::now() + patience, &self.telemetry);
        loop {
            // Looked at before the chunks: whatever it says is there by then.
            let task = self.desk.mine(caller, cursor.task).await?.ok_or_else(no_such_cursor)?;
            let reached = self.fill(&owner, &task, &mut next, &mut encoder).await?;
            let end: Option<PagesEnd> = task.pages.end.as_deref().map(from_text).transpose()?;
            let over = cancel.is_cancelled() || Instant::now() >= until;
            match (reached, end) {
                (Reached::Full, _) => return page(encoder, Some(next), None, &header, &within, counts),
                (Reached::Last, Some(end)) => match end.fault {
                    // What was read so far is given first.
                    Some(fault) if encoder.rows() == 0 => return Err(fault),
                    Some(_) => return page(encoder, Some(next), None, &header, &within, counts),
                    None => return page(encoder, None, end.cut, &header, &within, counts),
                },
                (Reached::Last, None) if over || encoder.rows() > 0 => {
                    return page(encoder, Some(next), None, &header, &within, counts);
                }
                (Reached::Last, None) => {
                    tokio::select! {
                        biased;
                        () = cancel.cancelled() => {}
                        _ = timeout_at(until, changes.next_one(cursor.task)) => {}
                    }
                }
            }
        }
    }

    /// What the pages are of, where the caller may still see them.
    async fn page_header(
        &self,
        caller: &Caller,
        owner: &Owner,
        id: TaskId,
    ) -> Result<(PagesHeader, CallLimits), Diagnostic> {
        let task = self.desk.store().get(owner, id).await?;
        let task = task.filter(|task| !task.pages.header.is_empty()).ok_or_else(no_such_cursor)?;
        let header: PagesHeader = from_text(&task.pages.header)?;
        let served = self.served(header.database.as_deref())?;
        let pinned = served.policies.of(caller)?.pin();
        header.still_holds(caller, pinned.policy().version())?;
        Ok((header, self.limits.within(pinned.policy())))
    }

    /// Moves rows into the page until it is full, or there are no more so far.
    async fn fill(
        &self,
        owner: &Owner,
        task: &Task,
        next: &mut Cursor,
        encoder: &mut Encoder,
    ) -> Result<Reached, Diagnostic> {
        while next.chunk < task.pages.chunks {
            let chunk = self.desk.store().chunk(owner, task.id, next.chunk).await?;
            let mut rows = Rows::unpack(&chunk.ok_or_else(no_such_cursor)?)?;
            let mut at = 0;
            while let Some(fields) = rows.next_row()? {
                if at >= next.row {
                    if encoder.row(&fields) == Flow::Stop {
                        return Ok(Reached::Full);
                    }
                    next.row = next.row.saturating_add(1);
                }
                at = at.saturating_add(1);
            }
            *next = Cursor { chunk: next.chunk.saturating_add(1), row: 0, ..*next };
        }
        Ok(Reached::Last)
    }
}

fn page(
    encoder: Encoder,
    next: Option<Cursor>,
    cut: Option<Cut>,
    header: &PagesHeader,
    within: &CallLimits,
    counts: &Telemetry,
) -> Result<QueryOutput, Diagnostic> {
    let rest = Rest { cut, notices: &[], next, about: None, tool: header.tool.as_deref(), counts };
    reply(&rest, encoder, header.rows, within)
}

/// The same words for another caller's as for one that never was.
fn no_such_cursor() -> Diagnostic {
    let message = "there are no rows at this cursor: it is not one of yours, or its rows have expired";
    Diagnostic::refused(SqlState::UNDEFINED_OBJECT, message)
        .rule("tasks.unknown")
        .hint("ask the question again")
}
