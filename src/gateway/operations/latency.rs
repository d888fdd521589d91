//! How long the last statements of a database took.

use std::collections::VecDeque;
use std::time::Duration;

/// Statements that are looked at.
const LAST: usize = 500;

/// Of the last statements that ended, at most 500.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Latency {
    /// How many there are.
    pub count: usize,
    pub failed: usize,
    pub median: Duration,
    /// 95 of 100 took no longer.
    pub p95: Duration,
    pub longest: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Took(VecDeque<(Duration, bool)>);

impl Took {
    pub(super) fn add(&mut self, took: Duration, failed: bool) {
        if self.0.len() == LAST {
            self.0.pop_front();
        }
        self.0.push_back((took, failed));
    }

    pub(super) fn latency(&self) -> Latency {
        let mut sorted: Vec<Duration> = self.0.iter().map(|(took, _)| *took).collect();
        sorted.sort_unstable();
        let at = |hundredths: usize| {
            let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
            sorted.get(rank - 1).copied().unwrap_or_default()
        };
        Latency {
            count: sorted.len(),
            failed: self.0.iter().filter(|(_, failed)| *failed).count(),
            median: at(50),
            p95: at(95),
            longest: at(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_last_statements_alone() {
        let mut took = Took::default();
        assert_eq!(took.latency(), Latency::default());
        (0..LAST).for_each(|_| took.add(Duration::from_secs(9), true));
        (1..=500).for_each(|ms| took.add(Duration::from_millis(ms), false));
        let ms = Duration::from_millis;
        let expected = Latency { count: 500, failed: 0, median: ms(250), p95: ms(475), longest: ms(500) };
        assert_eq!(took.latency(), expected);
    }
}
