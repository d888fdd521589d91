//! Takes queued tasks in turn, keeps their records alive, and hands them over when the process ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Desk, Question, status};
use crate::db::Progress;
use crate::gateway::query::Run;
use crate::gateway::{Gateway, Live};
use crate::pg::Diagnostic;
use crate::tasks::{TaskId, Work};

/// How often running tasks say what they do.
const NOTES: Duration = Duration::from_secs(1);
/// Other replicas queue tasks too: somebody looks, though nobody is woken.
const LOOK: Duration = Duration::from_secs(1);

impl Gateway {
    /// Runs until `stop` fires; then waits up to `drain` for running tasks, stops the others and gives them back to the
    /// queue. Once for each process that serves.
    pub async fn work(&self, stop: CancellationToken, drain: Duration) {
        work(&Live::from(self), stop, drain).await;
    }
}

/// Each task begins in the version of the configuration that is in use then.
pub(in crate::gateway) async fn work(live: &Live, stop: CancellationToken, drain: Duration) {
    let worker = Worker { live, desk: live.desk() };
    tokio::select! {
        () = stop.cancelled() => {}
        () = worker.take_turns() => {}
        () = worker.beat() => {}
        () = worker.note() => {}
        () = worker.listen() => {}
    }
    worker.desk.runs().close();
    let _ = timeout(drain, worker.desk.runs().wait()).await;
    worker.hand_over().await;
}

struct Worker<'l> {
    live: &'l Live,
    desk: &'l Arc<Desk>,
}

impl Worker<'_> {
    async fn hand_over(&self) {
        let desk = self.desk;
        let handed = match Desk::interrupted() {
            Ok(reason) => desk.store().hand_over(desk.holder(), &reason).await,
            Err(error) => Err(error),
        };
        if let Err(error) = handed {
            tracing::error!(error = error.message, "running tasks could not be handed over");
        }
        let left: Vec<_> = desk.here().values().map(|here| here.live.stop.clone()).collect();
        left.iter().for_each(CancellationToken::cancel);
        let _ = timeout(Duration::from_secs(2), desk.runs().wait()).await;
    }

    async fn take_turns(&self) {
        let desk = self.desk;
        loop {
            while desk.here().len() < desk.settings().running {
                match desk.store().claim(desk.holder(), desk.settings().running_per_owner).await {
                    Ok(Some(work)) => self.start(work).await,
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(error = error.message, "the queue of tasks could not be read");
                        break;
                    }
                }
            }
            tokio::select! {
                () = desk.woken() => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    async fn start(&self, work: Work) {
        let id = work.task.id;
        if let Err(error) = self.try_start(work) {
            tracing::error!(error = error.message, "a task could not be started");
            let reason = super::write(&Err(error), None).unwrap_or_default();
            let _ =
                self.desk.store().finish(self.desk.holder(), id, crate::tasks::End::Failed { reason }).await;
        }
    }

    fn try_start(&self, work: Work) -> Result<(), Diagnostic> {
        let question = Question::from_text(&work.task.question)?;
        let run = Arc::new(Run::new(&self.live.now(), question, Arc::<Progress>::default())?);
        self.desk.register(work.task.id, &run);
        let desk = Arc::clone(self.desk);
        self.desk.runs().spawn(async move {
            // Nobody waits for its first page.
            let (first, _) = tokio::sync::oneshot::channel();
            desk.see_through(&run, run.go(first)).await;
        });
        Ok(())
    }

    /// Tells the store that this process lives.
    async fn beat(&self) {
        let desk = self.desk;
        let Ok(reason) = Desk::interrupted() else { return std::future::pending().await };
        let mut ticks = interval(desk.store().heartbeat());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = desk.store().beat(desk.holder(), &reason).await {
                tracing::warn!(error = error.message, "the store does not answer");
            }
        }
    }

    /// Writes what running tasks do into their records, for other replicas and for those who listen.
    async fn note(&self) {
        let desk = self.desk;
        let mut ticks = interval(NOTES);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.live.now().look_for_waits().await;
            let running: Vec<(TaskId, String)> = {
                let here = desk.here();
                here.iter().map(|(id, here)| (*id, status::running(&here.live))).collect()
            };
            for (id, message) in running {
                let _ = desk.store().note(desk.holder(), id, &message).await;
            }
        }
    }

    /// Stops what was cancelled elsewhere.
    async fn listen(&self) {
        let mut changes = self.desk.changes();
        loop {
            match changes.recv().await {
                Ok(change) if change.cancelled => self.desk.stop(change.id),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.stop_ended().await,
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }

    /// Some changes were missed: any of the running tasks may be cancelled.
    async fn stop_ended(&self) {
        let desk = self.desk;
        let ids: Vec<TaskId> = desk.here().keys().copied().collect();
        for id in ids {
            if let Ok(false) = desk.store().note(desk.holder(), id, status::QUEUED).await {
                desk.stop(id);
            }
        }
    }
}
