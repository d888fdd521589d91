//! How many observations were how large.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::series::{Bound, DURATIONS};

/// Counts of one histogram. Buckets are not cumulative here; what is above the last bound is in none.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [Bound],
    counted: Mutex<Counted>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Counted {
    pub buckets: Vec<u64>,
    pub count: u64,
    pub sum: f64,
}

impl Histogram {
    pub fn new(bounds: &'static [Bound]) -> Self {
        let counted = Counted { buckets: vec![0; bounds.len()], count: 0, sum: 0.0 };
        Self { bounds, counted: Mutex::new(counted) }
    }

    pub fn of_durations() -> Self {
        Self::new(DURATIONS)
    }

    pub fn took(&self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }

    pub fn observe(&self, value: f64) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.bounds.iter().position(|bound| value <= in_units(*bound));
        if let Some(bucket) = at.and_then(|at| counted.buckets.get_mut(at)) {
            *bucket += 1;
        }
        counted.count += 1;
        counted.sum += value;
    }

    pub fn counted(&self) -> Counted {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A bound is in thousandths.
#[expect(clippy::cast_precision_loss, reason = "bounds are small")]
pub(super) fn in_units(bound: Bound) -> f64 {
    bound as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_is_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::new(&[1_000, 2_000]);
        for value in [0.5, 1.0, 1.5, 2.5] {
            histogram.observe(value);
        }
        assert_eq!(histogram.counted(), Counted { buckets: vec![2, 1], count: 4, sum: 5.5 });
    }
}
