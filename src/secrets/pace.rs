//! Pauses that double, so that many who ask for what fails do not ask often.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Pace {
    pause: Duration,
    until: Option<Instant>,
}

impl Pace {
    pub fn is_pausing(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// It went wrong once more.
    pub fn wait(&mut self, now: Instant) {
        self.pause = (self.pause * 2).clamp(FIRST, LONGEST);
        self.until = Some(now + self.pause);
    }

    /// It went well.
    pub fn end(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Pace;

    #[test]
    fn pauses_double_up_to_a_minute_and_end_when_it_goes_well() {
        let mut pace = Pace::default();
        let begun = Instant::now();
        assert!(!pace.is_pausing(begun));
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            pace.wait(begun);
            assert!(pace.is_pausing(begun + Duration::from_secs(seconds) - Duration::from_millis(1)));
            assert!(!pace.is_pausing(begun + Duration::from_secs(seconds)));
        }
        pace.end();
        assert!(!pace.is_pausing(begun));
    }
}
