//! The thread that appends: many records at once, each again until it is there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use chrono::SecondsFormat;
use tokio::sync::oneshot;

use super::fault::Fault;
use super::place::Place;
use super::queue::{Queue, Task, Waiting};
use super::record::Draft;
use crate::sql::THREAD_STACK_BYTES;

/// Records that are appended together.
const MOST: usize = 512;
/// What nobody waits for is on the disk by then.
const LASTING_EVERY: Duration = Duration::from_secs(1);
/// Between tries, while it fails.
const RETRY: Duration = Duration::from_millis(250);
/// While there is nothing to do.
const IDLE: Duration = Duration::from_secs(60);
/// Between two lines of the log about the same.
const TOLD_EVERY: Duration = Duration::from_secs(60);

struct Writer {
    place: Box<dyn Place>,
    queue: Arc<Queue>,
    pending: VecDeque<Draft>,
    waiting: Vec<Waiting>,
    /// Something is appended that a crash of the machine could take away.
    unsettled: Option<Instant>,
    failing: bool,
    /// When the log heard of it, and that it has not heard of the end.
    told: Option<Instant>,
    owed: bool,
}

pub(super) fn start(place: Box<dyn Place>, queue: Arc<Queue>, tasks: Receiver<Task>) -> Result<(), Fault> {
    let writer = Writer {
        place,
        queue,
        pending: VecDeque::new(),
        waiting: Vec::new(),
        unsettled: None,
        failing: false,
        told: None,
        owed: false,
    };
    let thread = std::thread::Builder::new().name("pgwarden-audit".to_owned()).stack_size(THREAD_STACK_BYTES);
    let started = thread.spawn(move || writer.run(&tasks));
    started.map(drop).map_err(|error| Fault::new(format!("its thread cannot start: {error}")))
}

impl Writer {
    fn run(mut self, tasks: &Receiver<Task>) {
        let mut stopped = None;
        while stopped.is_none() {
            match self.first(tasks) {
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(first) => {
                    let more = std::iter::from_fn(|| tasks.try_recv().ok());
                    for task in std::iter::once(first).chain(more.take(MOST)) {
                        stopped = self.take(task).or(stopped);
                    }
                }
            }
            self.append(stopped.is_some());
        }
        // Its file is another process's from here on.
        drop(self.place);
        if let Some(stopped) = stopped {
            let _ = stopped.send(());
        }
    }

    /// Waits for something to do. While it fails, the queue fills: memory is bounded.
    fn first(&self, tasks: &Receiver<Task>) -> Result<Task, RecvTimeoutError> {
        if self.failing && self.pending.len() >= MOST {
            std::thread::sleep(RETRY);
            return Err(RecvTimeoutError::Timeout);
        }
        let left = match self.unsettled {
            _ if self.failing => RETRY,
            Some(since) => LASTING_EVERY.saturating_sub(since.elapsed()),
            None => IDLE,
        };
        tasks.recv_timeout(left)
    }

    fn take(&mut self, task: Task) -> Option<oneshot::Sender<()>> {
        self.queue.taken(&task);
        match task {
            Task::Record(mut draft, waiting) => {
                draft.finish();
                self.pending.push_back(draft);
                self.waiting.extend(waiting);
                None
            }
            Task::Reopen => {
                self.place.reopen();
                self.pending.push_back(Draft::new("reopened"));
                None
            }
            Task::Stop(stopped) => Some(stopped),
        }
    }

    fn append(&mut self, last: bool) {
        if !self.failing
            && let Some((count, since)) = self.queue.lost()
        {
            let since = since.to_rfc3339_opts(SecondsFormat::Micros, true);
            self.pending.push_back(Draft::new("lost").with("records", count).with("since", since));
        }
        let overdue = self.unsettled.is_some_and(|since| since.elapsed() >= LASTING_EVERY);
        let lasting = last || overdue || self.failing || !self.waiting.is_empty();
        if self.pending.is_empty() && !lasting {
            return;
        }
        let ended = self.place.append(&mut self.pending, lasting);
        // Whoever hears of a fault finds it everywhere.
        match &ended {
            Ok(()) => {
                self.unsettled = if lasting { None } else { self.unsettled.or_else(|| Some(Instant::now())) };
                self.well();
            }
            Err(fault) => self.fails(fault.clone()),
        }
        for waiting in self.waiting.drain(..) {
            // Whoever waited may have gone.
            let _ = waiting.send(ended.clone());
        }
    }

    fn well(&mut self) {
        if !std::mem::take(&mut self.failing) {
            return;
        }
        self.queue.set_fault(None);
        if std::mem::take(&mut self.owed) {
            tracing::info!(target: "pgwarden::audit", "the audit log is written again");
        }
    }

    fn fails(&mut self, fault: Fault) {
        self.failing = true;
        if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.told = Some(Instant::now());
            self.owed = true;
            tracing::error!(target: "pgwarden::audit", rule = "audit.failed", "the audit log cannot be written: {fault}");
        }
        self.queue.set_fault(Some(fault));
    }
}
