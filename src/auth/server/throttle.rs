//! How often something may be tried: after some failures only at growing intervals, or so many times a while.
//!
//! In the memory of one process, and bounded there: replicas count for themselves.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Keys that are remembered.
const MOST: usize = 10_000;

/// Every attempt counts as failed until it is forgiven, so that attempts at the same time count too.
#[derive(Debug)]
pub struct Throttle {
    /// Failures that cost nothing.
    free: u32,
    longest: TimeDelta,
    keys: Mutex<HashMap<String, Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    until: DateTime<Utc>,
}

/// Failures are forgotten when nothing happened for so long after the wait.
const FORGOTTEN: TimeDelta = TimeDelta::minutes(30);

impl Throttle {
    /// `longest` is the longest wait.
    pub fn new(free: u32, longest: TimeDelta) -> Self {
        Self { free, longest, keys: Mutex::default() }
    }

    /// Counts an attempt; or says how long none is made.
    pub fn attempt(&self, key: &str, now: DateTime<Utc>) -> Result<(), Duration> {
        let mut keys = lock(&self.keys);
        let mut failures = keys.get(key).copied().unwrap_or(Failures { count: 0, until: now });
        if failures.until + FORGOTTEN < now {
            failures = Failures { count: 0, until: now };
        }
        if now < failures.until {
            return Err((failures.until - now).to_std().unwrap_or_default());
        }
        failures.count = failures.count.saturating_add(1);
        failures.until = now + self.wait(failures.count);
        make_room(&mut keys, key, |failures| (failures.count, failures.until));
        keys.insert(key.to_owned(), failures);
        Ok(())
    }

    /// The attempt was a good one. `all`: so those before it were the same person's too.
    pub fn forgive(&self, key: &str, all: bool, now: DateTime<Utc>) {
        let mut keys = lock(&self.keys);
        let Some(failures) = keys.get_mut(key) else { return };
        failures.count = if all { 0 } else { failures.count.saturating_sub(1) };
        if failures.count < self.free {
            failures.until = failures.until.min(now);
        }
    }

    /// Nothing for the free ones, then a second, doubled each time.
    fn wait(&self, count: u32) -> TimeDelta {
        match count.checked_sub(self.free) {
            None => TimeDelta::zero(),
            Some(beyond) => TimeDelta::seconds(1 << beyond.min(20)).min(self.longest),
        }
    }
}

/// So many times within a while.
#[derive(Debug)]
pub struct Rate {
    most: u32,
    within: TimeDelta,
    keys: Mutex<HashMap<String, (u32, DateTime<Utc>)>>,
}

impl Rate {
    pub fn new(most: u32, within: TimeDelta) -> Self {
        Self { most, within, keys: Mutex::default() }
    }

    /// Whether [`Self::allows`] would; counts nothing.
    pub(super) fn has_room(&self, key: &str, now: DateTime<Utc>) -> bool {
        let known = lock(&self.keys).get(key).copied();
        known.is_none_or(|(count, began)| count < self.most || began + self.within <= now)
    }

    /// Counts it, if it is one of them.
    pub fn allows(&self, key: &str, now: DateTime<Utc>) -> bool {
        let mut keys = lock(&self.keys);
        let (count, began) = keys.get(key).copied().unwrap_or((0, now));
        let (count, began) = if began + self.within <= now { (0, now) } else { (count, began) };
        if count >= self.most {
            return false;
        }
        make_room(&mut keys, key, |(count, began)| (*count, *began));
        keys.insert(key.to_owned(), (count + 1, began));
        true
    }
}

/// Forgets the half that says least, so that filling the table does not forget what is being guessed.
fn make_room<T, R: Ord>(keys: &mut HashMap<String, T>, key: &str, says: impl Fn(&T) -> R) {
    if keys.len() < MOST || keys.contains_key(key) {
        return;
    }
    let mut ranked: Vec<(R, String)> = keys.iter().map(|(key, value)| (says(value), key.clone())).collect();
    ranked.sort();
    for (_, key) in ranked.into_iter().take(MOST / 2) {
        keys.remove(&key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};

    use super::{MOST, Rate, Throttle, lock};

    #[test]
    fn after_the_free_ones_the_wait_doubles_up_to_the_longest() {
        let throttle = Throttle::new(3, TimeDelta::seconds(5));
        let mut now = Utc::now();
        for _ in 0..3 {
            throttle.attempt("ada", now).unwrap();
        }
        for seconds in [1, 2, 4, 5, 5] {
            assert_eq!(throttle.attempt("ada", now).unwrap_err().as_secs(), seconds);
            throttle.attempt("bob", now).ok();
            now += TimeDelta::seconds(seconds.try_into().unwrap());
            throttle.attempt("ada", now).unwrap();
        }
        assert!(throttle.attempt("ada", now).is_err());
        throttle.forgive("ada", true, now);
        throttle.attempt("ada", now).unwrap();
        throttle.attempt("ada", now).unwrap();
    }

    #[test]
    fn a_good_attempt_forgives_itself_alone_where_others_share_the_key() {
        let throttle = Throttle::new(3, TimeDelta::seconds(60));
        let now = Utc::now();
        for _ in 0..2 {
            throttle.attempt("10.0.0.1", now).unwrap();
        }
        for _ in 0..10 {
            throttle.attempt("10.0.0.1", now).unwrap();
            throttle.forgive("10.0.0.1", false, now);
        }
        throttle.attempt("10.0.0.1", now).unwrap();
        assert!(throttle.attempt("10.0.0.1", now).is_err());
    }

    #[test]
    fn good_attempts_at_the_same_time_forgive_no_more_than_themselves() {
        let throttle = Throttle::new(20, TimeDelta::minutes(15));
        let now = Utc::now();
        for _ in 0..15 {
            throttle.attempt("10.0.0.1", now).unwrap();
        }
        for _ in 0..4 {
            throttle.attempt("10.0.0.1", now).unwrap();
        }
        for _ in 0..4 {
            throttle.forgive("10.0.0.1", false, now);
        }
        let guesses = (0..100).filter(|_| throttle.attempt("10.0.0.1", now).is_ok()).count();
        assert_eq!(guesses, 5, "fifteen guesses were before");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_keeps_what_is_guessed_at() {
        let throttle = Throttle::new(3, TimeDelta::minutes(15));
        let now = Utc::now();
        while throttle.attempt("ada", now).is_ok() {}
        for number in 0..3 * MOST {
            let _ = throttle.attempt(&number.to_string(), now);
        }
        assert!(lock(&throttle.keys).len() <= MOST);
        assert!(throttle.attempt("ada", now).is_err());
    }

    #[test]
    fn a_rate_begins_anew() {
        let rate = Rate::new(2, TimeDelta::minutes(1));
        let now = Utc::now();
        assert!(rate.allows("a", now) && rate.allows("a", now) && !rate.allows("a", now));
        assert!(rate.allows("b", now));
        assert!(rate.allows("a", now + TimeDelta::minutes(1)));
    }
}
