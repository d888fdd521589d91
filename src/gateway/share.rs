//! How many of a database's connections one caller may hold: the others find one, however long that caller's statements
//! take. And how many calls may wait for one: who comes behind those is told so at once, but for a caller's only call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::pg::{Diagnostic, SqlState};

/// Callers that are remembered before those who hold nothing are forgotten.
const REMEMBERED: usize = 1_000;
/// Calls that may be inside for each connection of the pool, and of one caller.
const DEPTH: usize = 32;
const OWN_DEPTH: usize = 8;

/// Of one database in one process.
#[derive(Debug)]
pub(super) struct Shares {
    each: usize,
    /// Calls of one caller that run or wait.
    line: usize,
    all: Arc<Semaphore>,
    of: Mutex<HashMap<String, Weak<Share>>>,
}

/// Of one caller.
#[derive(Debug)]
struct Share {
    line: Arc<Semaphore>,
    connections: Arc<Semaphore>,
}

/// A connection's worth of a caller's share; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    _of_all: Option<OwnedSemaphorePermit>,
    _of_line: OwnedSemaphorePermit,
    _connection: OwnedSemaphorePermit,
    _share: Arc<Share>,
}

impl Shares {
    /// Three quarters of a pool, and never all of it but where there is only one.
    pub(super) fn of_pool(size: usize) -> Self {
        let others = (size / 4).max(1);
        Self::new(size, size.saturating_sub(others).max(1))
    }

    /// All of it: nobody else is there.
    pub(super) fn of_one(size: usize) -> Self {
        Self::new(size, size.max(1))
    }

    fn new(size: usize, each: usize) -> Self {
        let inside = |depth| size.max(1).saturating_mul(depth).min(Semaphore::MAX_PERMITS);
        Self {
            each,
            line: inside(OWN_DEPTH),
            all: Arc::new(Semaphore::new(inside(DEPTH))),
            of: Mutex::default(),
        }
    }

    /// A connection of this caller's share; in the order of asking, unless too many wait already.
    pub(super) async fn take(
        &self,
        subject: &str,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<Taken, Diagnostic> {
        let share = self.share(subject);
        let only = share.line.available_permits() >= self.line;
        let own = || too_many_wait(format!("{} of your calls run or wait already", self.line));
        let of_line = Arc::clone(&share.line).try_acquire_owned().map_err(|_| own())?;
        let all = || too_many_wait("too many calls wait for the database already".to_owned());
        // Whoever asks little is not kept out by those who ask much.
        let of_all = Arc::clone(&self.all)
            .try_acquire_owned()
            .map_or_else(|_| if only { Ok(None) } else { Err(all()) }, |place| Ok(Some(place)))?;
        tokio::select! {
            biased;
            taken = Arc::clone(&share.connections).acquire_owned() => {
                let connection = taken.map_err(|_| self.all_held())?;
                Ok(Taken { _of_all: of_all, _of_line: of_line, _connection: connection, _share: share })
            }
            () = cancel.cancelled() => {
                Err(Diagnostic::refused(SqlState::QUERY_CANCELED, "the caller cancelled the call"))
            }
            () = tokio::time::sleep(wait) => Err(self.all_held()),
        }
    }

    fn share(&self, subject: &str) -> Arc<Share> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = of.get(subject).and_then(Weak::upgrade) {
            return share;
        }
        if of.len() >= REMEMBERED {
            of.retain(|_, share| share.strong_count() > 0);
        }
        let semaphore = |places| Arc::new(Semaphore::new(places));
        let share = Arc::new(Share { line: semaphore(self.line), connections: semaphore(self.each) });
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

fn too_many_wait(message: String) -> Diagnostic {
    let refusal = Diagnostic::refused(SqlState::TOO_MANY_CONNECTIONS, message);
    Diagnostic { retryable: true, ..refusal.rule("limits.waiting") }.hint("repeat the call in a few seconds")
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

    /// Of one caller, and of all together.
    #[tokio::test]
    async fn who_comes_behind_too_many_is_told_so_at_once() {
        let shares = Arc::new(Shares::of_pool(1));
        let stop = CancellationToken::new();
        let asks = |subject: String| {
            let (shares, stop) = (Arc::clone(&shares), stop.clone());
            async move { shares.take(&subject, Duration::from_secs(20), &stop).await }
        };
        let held = asks("anna".to_owned()).await.unwrap();
        let others = (0..DEPTH - OWN_DEPTH).map(|n| format!("caller {}", n % 6));
        let callers = (1..OWN_DEPTH).map(|_| "anna".to_owned()).chain(others);
        let waiting: Vec<_> = callers.map(|subject| tokio::spawn(asks(subject))).collect();
        tokio::task::yield_now().await;
        let refused = asks("anna".to_owned()).await.unwrap_err();
        assert_eq!((refused.rule.as_deref(), refused.retryable), (Some("limits.waiting"), true));
        assert!(refused.message.contains("of your calls"), "{}", refused.message);
        let refused = asks("caller 0".to_owned()).await.unwrap_err();
        assert_eq!(refused.rule.as_deref(), Some("limits.waiting"));
        assert!(refused.message.starts_with("too many"), "{}", refused.message);
        let light = asks("zoe".to_owned()).await;
        assert!(light.is_ok(), "{light:?}");
        stop.cancel();
        for waits in waiting {
            drop(waits.await.unwrap());
        }
        drop((held, light));
        assert_eq!(shares.all.available_permits(), DEPTH, "what was waited for is given back");
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
