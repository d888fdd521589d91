//! The sink of a run: the first page, and behind it chunks for those who read on.

use std::sync::atomic::Ordering::Relaxed;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::Run;
use super::reply::{self, Cut, Rest};
use crate::db::{Flow, Ran, RowSink};
use crate::gateway::output::Encoder;
use crate::gateway::tasks::{Answered, PagesEnd, PagesHeader, to_text, write};
use crate::gateway::{CallLimits, QueryOutput};
use crate::pg::Diagnostic;
use crate::sql::ProjectedColumn;
use crate::tasks::spool::{Chunk, Cursor};
use crate::tasks::{End, TaskId};

/// Where the first page of an answer that goes on is handed out.
pub(in crate::gateway) type FirstPage = oneshot::Sender<QueryOutput>;

pub(super) struct Paged<'r> {
    run: &'r Run,
    within: &'r CallLimits,
    policy: &'r str,
    notices: Vec<Diagnostic>,
    columns: Vec<ProjectedColumn>,
    /// Until it is given away.
    page: Option<(Encoder, FirstPage)>,
    chunk: Chunk,
    bytes: u64,
    /// Nothing more can be stored.
    full: bool,
    /// Not even the first page.
    unkept: bool,
    /// Of all pages, at the most.
    rows: u64,
    /// Of the whole answer, where the catalog knows.
    about: Option<u64>,
    /// Why the first page could not be given away.
    fault: Option<Diagnostic>,
}

impl<'r> Paged<'r> {
    pub(super) fn new(
        run: &'r Run,
        within: &'r CallLimits,
        policy: &'r str,
        notices: &[Diagnostic],
        (rows, about): (u64, Option<u64>),
        first: FirstPage,
    ) -> Self {
        let encoder = Encoder::new(run.question.request.format, within.characters, within.field_characters);
        Self {
            run,
            within,
            policy,
            notices: notices.to_vec(),
            columns: Vec::new(),
            page: Some((encoder, first)),
            chunk: Chunk::default(),
            bytes: 0,
            full: false,
            unkept: false,
            rows,
            about,
            fault: None,
        }
    }

    /// Bytes of rows so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes + self.page.as_ref().map_or(0, |(encoder, _)| encoder.bytes())
    }

    /// After the run. `Ok`: all that there will be fits into the first page, which is still here. `Err`: how the pages end.
    pub(super) async fn end(
        mut self,
        ran: Result<Ran, Diagnostic>,
    ) -> Result<Result<(Ran, Encoder, Option<Cut>), PagesEnd>, Diagnostic> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        if let Some((encoder, _)) = self.page.take() {
            let ran = ran?;
            let cut = ran.truncated.map(|why| if self.unkept { Cut::Stored } else { why.into() });
            return Ok(Ok((ran, encoder, cut)));
        }
        let cut = match ran {
            Ok(ran) => ran.truncated.map(Cut::from),
            // Rows that no check covers are not given away.
            Err(fault) => {
                return Ok(Err(PagesEnd { cut: None, fault: Some(self.run.named(fault)) }));
            }
        };
        let whole = !self.full && self.store_chunk().await;
        Ok(Err(PagesEnd { cut: if whole { cut } else { Some(Cut::Stored) }, fault: None }))
    }

    /// `false` where it cannot be stored.
    async fn store_chunk(&mut self) -> bool {
        let Some(id) = self.run.stored.get() else { return false };
        if self.chunk.is_empty() {
            return true;
        }
        let desk = &self.run.gateway.desk;
        let stored = desk.store().append(desk.holder(), *id, self.chunk.pack()).await;
        stored.unwrap_or_else(|error| {
            tracing::warn!(error = error.message, "a page could not be stored");
            false
        })
    }

    /// The page is full and there are more rows.
    async fn flush_page(&mut self, encoder: Encoder, first: FirstPage) -> Flow {
        // INVARIANT: a run has one record. From here on its caller makes none, but waits for the page.
        self.run.giving.store(true, Relaxed);
        let desk = &self.run.gateway.desk;
        let id = match self.run.stored.get() {
            Some(id) => *id,
            None => match desk.open_record(self.run, false).await {
                Ok(id) => id,
                Err(error) => {
                    // Without a place for the others, the first page is all there is.
                    tracing::warn!(error = error.message, "the pages of an answer could not be stored");
                    self.unkept = error.rule.is_some();
                    self.page = Some((encoder, first));
                    return Flow::Stop;
                }
            },
        };
        match self.give_away(id, encoder, first).await {
            Ok(true) => Flow::Continue,
            Ok(false) => Flow::Stop,
            Err(fault) => {
                self.fault = Some(fault);
                Flow::Stop
            }
        }
    }

    /// `false`: it was cancelled meanwhile.
    async fn give_away(
        &mut self,
        id: TaskId,
        encoder: Encoder,
        first: FirstPage,
    ) -> Result<bool, Diagnostic> {
        self.bytes = encoder.bytes();
        let rest = Rest {
            cut: Some(Cut::Reply),
            notices: &self.notices,
            next: Some(Cursor { task: id, chunk: 0, row: 0 }),
            about: self.about,
            tool: self.run.question.request.saved.as_ref().map(|saved| saved.tool.as_str()),
            counts: &self.run.gateway.telemetry,
        };
        let output = reply::reply(&rest, encoder, self.rows, self.within)?;
        let columns = std::mem::take(&mut self.columns);
        let header = PagesHeader::new(&self.run.question, self.policy, columns, self.within, self.rows);
        let answer = Ok(Answered::Rows(output));
        let end =
            End::Completed { answer: write(&answer, Some(self.policy))?, pages: Some(to_text(&header)?) };
        let desk = &self.run.gateway.desk;
        let given = desk.store().finish(desk.holder(), id, end).await?;
        if let Ok(Answered::Rows(output)) = answer {
            // Where nobody waits for it, it is in the store.
            let _ = first.send(output);
        }
        Ok(given)
    }
}

impl RowSink for Paged<'_> {
    fn begin(&mut self, columns: &[ProjectedColumn]) {
        self.columns = columns.to_vec();
        self.chunk = Chunk::default();
        if let Some((encoder, _)) = &mut self.page {
            self.chunk = Chunk::default();
            encoder.begin(columns);
        }
    }

    fn row(&mut self, fields: &[Option<&str>]) -> Flow {
        let Some((encoder, _)) = &mut self.page else {
            return if self.chunk.push(fields) { Flow::Flush } else { Flow::Continue };
        };
        match encoder.row(fields) {
            Flow::Stop if !encoder.is_too_wide() => {
                self.chunk.push(fields);
                Flow::Flush
            }
            flow => flow,
        }
    }

    fn flush(&mut self) -> BoxFuture<'_, Flow> {
        async move {
            match self.page.take() {
                Some((encoder, first)) => self.flush_page(encoder, first).await,
                None => {
                    self.full = !self.store_chunk().await;
                    if self.full { Flow::Stop } else { Flow::Continue }
                }
            }
        }
        .boxed()
    }
}
