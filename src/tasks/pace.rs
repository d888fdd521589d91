//! The times that stores live by.

use std::time::Duration;

/// After so many missed beats a holder is dead.
const MISSED: u32 = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Between two beats of a holder.
    pub heartbeat: Duration,
    /// After its end, however short its time to live, an answer can be read for so long.
    pub grace: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(2), grace: Duration::from_secs(30) }
    }
}

impl Pace {
    pub(super) fn patience(self) -> Duration {
        self.heartbeat * MISSED
    }
}
