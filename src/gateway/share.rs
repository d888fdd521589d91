//! How many of a database's connections one caller may hold: the others find one, however long that caller's statements
//! take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::pg::{Diagnostic, SqlState};

/// Callers that are remembered before those who hold nothing are forgotten.
const REMEMBERED: usize = 1_000;

/// Of one database in one process.
#[derive(Debug)]
pub(super) struct Shares {
    each: usize,
    of: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl Shares {
    /// Three quarters of a pool, and never all of it but where there is only one.
    pub(super) fn of_pool(size: usize) -> Self {
        let others = (size / 4).max(1);
        Self { each: size.saturating_sub(others).max(1), of: Mutex::default() }
    }

    /// All of it: nobody else is there.
    pub(super) fn of_one(size: usize) -> Self {
        Self { each: size.max(1), of: Mutex::default() }
    }

    /// A connection of this caller's share; in the order of asking.
    pub(super) async fn take(
        &self,
        subject: &str,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<OwnedSemaphorePermit, Diagnostic> {
        tokio::select! {
            biased;
            taken = self.share(subject).acquire_owned() => taken.map_err(|_| self.all_held()),
            () = cancel.cancelled() => {
                Err(Diagnostic::refused(SqlState::QUERY_CANCELED, "the caller cancelled the call"))
            }
            () = tokio::time::sleep(wait) => Err(self.all_held()),
        }
    }

    fn share(&self, subject: &str) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = of.get(subject).and_then(Weak::upgrade) {
            return share;
        }
        if of.len() >= REMEMBERED {
            of.retain(|_, share| share.strong_count() > 0);
        }
        let share = Arc::new(Semaphore::new(self.each));
        of.insert(subject.to_owned(), Arc::downgrade(&share));
        share
    }

    fn all_held(&self) -> Diagnostic {
        let message = format!(
            "{} of your statements are running, all that one caller may have at once, and none of them ended",
            self.each
        );
        let refusal = Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message);
        Diagnostic { retryable: true, ..refusal.rule("limits.share") }
            .hint("wait for one of them to end, or cancel one, then repeat the call")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_caller_has_a_share_and_others_have_theirs() {
        let shares = Shares::of_pool(8);
        let stop = CancellationToken::new();
        let mut held = Vec::new();
        for _ in 0..6 {
            held.push(shares.take("anna", Duration::ZERO, &stop).await.unwrap());
        }
        let refused = shares.take("anna", Duration::from_millis(5), &stop).await.unwrap_err();
        assert_eq!((refused.rule.as_deref(), refused.retryable), (Some("limits.share"), true));
        assert!(shares.take("ben", Duration::ZERO, &stop).await.is_ok());
        held.pop();
        assert!(shares.take("anna", Duration::ZERO, &stop).await.is_ok());
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        held.push(shares.take("anna", Duration::ZERO, &stop).await.unwrap());
        let refused = shares.take("anna", Duration::from_secs(60), &cancelled).await.unwrap_err();
        assert_eq!(refused.sqlstate, SqlState::QUERY_CANCELED);
    }

    #[test]
    fn one_connection_is_always_left_where_there_are_two() {
        let each = [1, 2, 3, 4, 8, 100].map(|size| Shares::of_pool(size).each);
        assert_eq!(each, [1, 1, 2, 3, 6, 75]);
    }

    #[tokio::test]
    async fn who_holds_nothing_is_forgotten() {
        let shares = Shares::of_pool(4);
        let stop = CancellationToken::new();
        let held = shares.take("busy", Duration::ZERO, &stop).await.unwrap();
        for number in 0..REMEMBERED {
            drop(shares.take(&number.to_string(), Duration::ZERO, &stop).await.unwrap());
        }
        assert_eq!(shares.of.lock().unwrap().len(), 2);
        drop(held);
    }
}
