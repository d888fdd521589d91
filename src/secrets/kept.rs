//! What a command has printed, how old it is, and when it may be run again.

use std::time::{Duration, Instant};

use super::Password;
use super::pace::Pace;
use crate::pg::Diagnostic;

#[derive(Debug, Default)]
pub(super) struct Kept {
    last: Option<(Password, Instant)>,
    /// The command fails.
    failing: Pace,
    failure: Option<Diagnostic>,
    /// PostgreSQL refuses what it prints.
    refusing: Pace,
}

/// Why another password is wanted.
#[derive(Debug)]
pub(super) enum Wanted {
    /// There is none, or it has come of age.
    Now,
    /// It will soon.
    Ahead,
    /// PostgreSQL has refused this one.
    Instead(Password),
}

/// What there is without a run.
pub(super) enum Found {
    /// Of no age.
    Fresh(Password),
    /// Of an age to be replaced beside those who use it.
    Ageing(Password),
    /// Nothing, or nothing that is still to be used.
    Nothing,
}

impl Kept {
    pub fn look(&self, lifetime: Duration, now: Instant) -> Found {
        let Some((password, since)) = &self.last else { return Found::Nothing };
        let age = now.saturating_duration_since(*since);
        match age {
            age if age < lifetime.mul_f32(0.8) => Found::Fresh(password.clone()),
            age if age < lifetime => Found::Ageing(password.clone()),
            _ => Found::Nothing,
        }
    }

    /// Whether the command is to be run, for whoever has the turn: who had it before may have settled it.
    pub fn settled(
        &self,
        wanted: &Wanted,
        lifetime: Duration,
        now: Instant,
    ) -> Option<Result<Password, Diagnostic>> {
        let last = self.last.as_ref().map(|(password, _)| password.clone());
        match (wanted, self.look(lifetime, now), &last) {
            (Wanted::Now, Found::Fresh(password) | Found::Ageing(password), _)
            | (Wanted::Ahead, Found::Fresh(password), _) => return Some(Ok(password)),
            (Wanted::Instead(refused), _, Some(other)) if other != refused => return Some(Ok(other.clone())),
            (Wanted::Now, Found::Nothing, _)
            | (Wanted::Ahead, Found::Ageing(_) | Found::Nothing, _)
            | (Wanted::Instead(_), ..) => {}
        }
        let pausing = self.failing.is_pausing(now);
        match (wanted, last) {
            // What does not renew it may still be good: PostgreSQL says.
            (Wanted::Now | Wanted::Ahead, Some(old)) if pausing => Some(Ok(old)),
            (Wanted::Instead(_), Some(refused)) if pausing || self.refusing.is_pausing(now) => {
                Some(Ok(refused))
            }
            _ if pausing => self.failure.clone().map(Err),
            _ => None,
        }
    }

    /// The command has run.
    pub fn take(
        &mut self,
        wanted: &Wanted,
        ran: Result<Password, Diagnostic>,
        now: Instant,
    ) -> Result<Password, Diagnostic> {
        match ran {
            Ok(password) => {
                self.failing.end();
                self.failure = None;
                if matches!(wanted, Wanted::Instead(_)) {
                    self.refusing.wait(now);
                }
                self.last = Some((password.clone(), now));
                Ok(password)
            }
            Err(failure) => {
                self.failing.wait(now);
                self.failure = Some(failure.clone());
                match (wanted, &self.last) {
                    (Wanted::Now | Wanted::Ahead, Some((old, _))) => Ok(old.clone()),
                    _ => Err(failure),
                }
            }
        }
    }

    /// PostgreSQL has let one in.
    pub fn worked(&mut self) {
        self.refusing.end();
    }
}
