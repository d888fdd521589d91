//! How many statements a caller may have: at once, and in a minute. Counted by subject, so that nobody waits for others.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Gateway, Served};
use crate::auth::Caller;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::{CallerLimits, Policy};

const MINUTE: Duration = Duration::from_secs(60);
/// Callers that are remembered before those who have been quiet for a minute are forgotten.
const REMEMBERED: usize = 1_000;

/// Of one process: replicas count for themselves.
#[derive(Debug, Default)]
pub(super) struct Admission(Mutex<HashMap<Who, Statements>>);

/// A database and a subject.
type Who = (String, String);

#[derive(Debug, Default)]
struct Statements {
    running: usize,
    /// When those of the last minute began.
    begun: VecDeque<Instant>,
}

/// One statement is counted as running until this is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    admission: Arc<Admission>,
    who: Who,
}

impl Admission {
    pub(super) fn admit(
        self: &Arc<Self>,
        database: &str,
        subject: &str,
        limits: &CallerLimits,
        now: Instant,
    ) -> Result<Admitted, Diagnostic> {
        let who = (database.to_owned(), subject.to_owned());
        let mut callers = self.callers();
        if callers.len() >= REMEMBERED {
            callers.retain(|_, statements| !statements.is_quiet(now));
        }
        let statements = callers.entry(who.clone()).or_default();
        statements.forget(now);
        if statements.running >= limits.concurrent {
            return Err(too_many_at_once(limits.concurrent));
        }
        let most = usize::try_from(limits.per_minute).unwrap_or(usize::MAX);
        if statements.begun.len() >= most {
            // Those that began since the limit became smaller count too.
            let first = statements.begun.iter().nth_back(most.saturating_sub(1)).copied().unwrap_or(now);
            return Err(too_many_a_minute(
                limits.per_minute,
                (first + MINUTE).saturating_duration_since(now),
            ));
        }
        statements.begun.push_back(now);
        statements.running += 1;
        drop(callers);
        Ok(Admitted { admission: Arc::clone(self), who })
    }

    fn callers(&self) -> MutexGuard<'_, HashMap<Who, Statements>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gateway {
    /// Counts the call as one of the caller's statements, as far as the policy counts them.
    pub(super) fn admitted(
        &self,
        caller: &Caller,
        served: &Served,
        policy: &Policy,
    ) -> Result<Option<Admitted>, Diagnostic> {
        let admit = |limits| self.admission.admit(served.name(), &caller.key(), limits, Instant::now());
        policy.caller_limits().map(admit).transpose()
    }
}

impl Statements {
    fn forget(&mut self, now: Instant) {
        while self.begun.front().is_some_and(|begun| now.saturating_duration_since(*begun) >= MINUTE) {
            self.begun.pop_front();
        }
    }

    fn is_quiet(&self, now: Instant) -> bool {
        let last = self.begun.back();
        self.running == 0 && last.is_none_or(|begun| now.saturating_duration_since(*begun) >= MINUTE)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let Some(statements) = self.admission.callers().get_mut(&self.who) {
            statements.running = statements.running.saturating_sub(1);
        }
    }
}

fn too_many_at_once(most: usize) -> Diagnostic {
    let message = format!("{most} of your statements are running, the most that the policy allows at once");
    refused(message).rule("limits.concurrent").hint("wait for one of them to end, then repeat the call")
}

fn too_many_a_minute(most: u32, wait: Duration) -> Diagnostic {
    let message =
        format!("{most} statements of yours began in the last minute, the most that the policy allows");
    let seconds = wait.as_secs() + 1;
    refused(message).rule("limits.rate").hint(format!("wait {seconds} s, then repeat the call"))
}

fn refused(message: String) -> Diagnostic {
    let refusal = Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message);
    Diagnostic { retryable: true, ..refusal }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CallerLimits = CallerLimits { concurrent: 2, per_minute: 3 };

    fn admit(admission: &Arc<Admission>, subject: &str, at: Instant) -> Result<Admitted, Diagnostic> {
        admission.admit("shop", subject, &LIMITS, at)
    }

    #[test]
    fn a_caller_has_so_many_statements_at_once_and_others_have_their_own() {
        let (admission, now) = (Arc::<Admission>::default(), Instant::now());
        let first = admit(&admission, "anna", now).unwrap();
        let _second = admit(&admission, "anna", now).unwrap();
        let refusal = admit(&admission, "anna", now).unwrap_err();
        assert_eq!((refusal.rule.as_deref(), refusal.retryable), (Some("limits.concurrent"), true));
        let _other = admit(&admission, "ben", now).unwrap();
        drop(first);
        admit(&admission, "anna", now).unwrap();
    }

    #[test]
    fn a_caller_has_so_many_statements_in_any_minute_and_is_told_how_long_to_wait() {
        let (admission, start) = (Arc::<Admission>::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in [0, 10, 20] {
            admit(&admission, "anna", at(second)).unwrap();
        }
        let refusal = admit(&admission, "anna", at(30)).unwrap_err();
        assert_eq!((refusal.rule.as_deref(), refusal.retryable), (Some("limits.rate"), true));
        assert_eq!(refusal.hint.unwrap(), "wait 31 s, then repeat the call");
        admit(&admission, "ben", at(30)).unwrap();
        admit(&admission, "anna", at(60)).unwrap();
        admit(&admission, "anna", at(61)).unwrap_err();
        admit(&admission, "anna", at(70)).unwrap();
    }

    #[test]
    fn callers_who_have_been_quiet_are_forgotten() {
        let (admission, start) = (Arc::<Admission>::default(), Instant::now());
        let busy = admit(&admission, "busy", start).unwrap();
        for number in 0..REMEMBERED {
            let at = start + if number == REMEMBERED - 1 { 2 * MINUTE } else { Duration::ZERO };
            admit(&admission, &format!("caller {number}"), at).unwrap();
        }
        let mut left: Vec<String> = admission.callers().keys().map(|(_, subject)| subject.clone()).collect();
        left.sort();
        assert_eq!(left, ["busy", &format!("caller {}", REMEMBERED - 1)]);
        drop(busy);
    }
}
