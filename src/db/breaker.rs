//! A host that says nothing: after one attempt that heard no answer in time, the next ones fail at once for a while, and
//! one of them at a time finds out whether it is back.
//!
//! A refusal is an answer and comes at once, so that only silence counts.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::pg::Diagnostic;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<Option<Silence>>);

#[derive(Debug)]
struct Silence {
    /// What those who do not try are told.
    failure: Diagnostic,
    until: Instant,
    pause: Duration,
    /// Somebody finds out.
    tried: bool,
}

impl Breaker {
    /// Whether to try. `Err` repeats the last failure.
    pub fn pass(&self) -> Result<Attempt<'_>, Diagnostic> {
        let mut silence = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(silence) = &mut *silence {
            if silence.tried || Instant::now() < silence.until {
                return Err(silence.failure.clone());
            }
            silence.tried = true;
        }
        Ok(Attempt { breaker: self, ended: false })
    }

    /// The last attempt heard nothing.
    pub fn is_silent(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn set(&self, change: impl FnOnce(&mut Option<Silence>)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Dropped midway, nothing was learnt.
pub(super) struct Attempt<'b> {
    breaker: &'b Breaker,
    ended: bool,
}

impl Attempt<'_> {
    /// There was an answer, whatever it said.
    pub fn answered(mut self) {
        self.ended = true;
        self.breaker.set(|silence| *silence = None);
    }

    pub fn heard_nothing(mut self, failure: &Diagnostic) {
        self.ended = true;
        self.breaker.set(|silence| {
            let before = silence.take().map(|silence| silence.pause * 2);
            let pause = before.unwrap_or(FIRST_PAUSE).min(LONGEST_PAUSE);
            let until = Instant::now() + pause;
            *silence = Some(Silence { failure: failure.clone(), until, pause, tried: false });
        });
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.breaker.set(|silence| {
                if let Some(silence) = silence {
                    silence.tried = false;
                }
            });
        }
    }
}
