//! What happens to tasks, as it happens.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use crate::tasks::{Change, TaskId};

/// A change can be missed (a listener that fell behind, a lost connection to the store): it is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Changes from the moment on that it was made.
#[derive(Debug)]
pub struct Changes(Receiver<Change>);

impl Changes {
    pub(super) fn new(receiver: Receiver<Change>) -> Self {
        Self(receiver)
    }

    /// Returns when something may have happened to one of the tasks.
    pub async fn next_of<'i>(&mut self, ids: impl Iterator<Item = &'i str>) {
        let ids: Vec<TaskId> = ids.filter_map(|id| id.parse().ok()).collect();
        self.next(&ids).await;
    }

    pub(in crate::gateway) async fn next_one(&mut self, id: TaskId) {
        self.next(&[id]).await;
    }

    async fn next(&mut self, ids: &[TaskId]) {
        let heard = async {
            loop {
                match self.0.recv().await {
                    Ok(change) if !ids.contains(&change.id) => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => return std::future::pending().await,
                }
            }
        };
        let _ = timeout(LOOK_AGAIN, heard).await;
    }
}
