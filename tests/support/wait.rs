//! Waiting for something to become true: polled, with a deadline, never a fixed sleep.

use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(20);

/// Returns what `look` finds, as soon as it finds something; panics with `what` after twenty seconds.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
