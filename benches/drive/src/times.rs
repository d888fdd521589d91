//! Times of many calls, in milliseconds.

use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Times(Vec<f64>);

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64() * 1e3);
    }

    pub fn since(&mut self, started: Instant) {
        self.add(started.elapsed());
    }

    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// `part` in percent; 0 where nothing was measured.
    pub fn at(&self, part: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((sorted.len() * part / 100).min(last)).copied().unwrap_or_default()
    }

    pub fn p50(&self) -> f64 {
        self.at(50)
    }

    pub fn p99(&self) -> f64 {
        self.at(99)
    }
}
