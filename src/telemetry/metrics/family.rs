//! The series of one name, by their labels. There are only so many of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::histogram::{Counted, Histogram};
use super::series::{Kind, Series};

/// Series of one name. What would be one more is not counted, and that is.
const MOST: usize = 1_000;

/// Values of labels, in the order of [`Series::labels`].
pub(super) type Labels = Vec<Box<str>>;

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Sample {
    Number(f64),
    Counted(Counted),
}

#[derive(Debug)]
enum Value {
    Number(f64),
    Histogram(Arc<Histogram>),
}

#[derive(Debug)]
pub(super) struct Family {
    kind: Kind,
    values: Mutex<BTreeMap<Labels, Value>>,
}

impl Family {
    pub(super) fn new(series: &Series) -> Self {
        Self { kind: series.kind, values: Mutex::default() }
    }

    /// `false`: there is no place for these labels.
    pub(super) fn add(&self, labels: &[&str], amount: f64) -> bool {
        self.change(labels, |number| *number += amount)
    }

    pub(super) fn set(&self, labels: &[&str], to: f64) -> bool {
        self.change(labels, |number| *number = to)
    }

    pub(super) fn observe(&self, labels: &[&str], value: f64) -> bool {
        let mut values = self.values();
        let Some(Value::Histogram(histogram)) = self.at(&mut values, labels) else { return false };
        histogram.observe(value);
        true
    }

    pub(super) fn samples(&self) -> Vec<(Labels, Sample)> {
        let values = self.values();
        let samples = values.iter().map(|(labels, value)| (labels.clone(), value.sample()));
        samples.collect()
    }

    fn change(&self, labels: &[&str], how: impl FnOnce(&mut f64)) -> bool {
        let mut values = self.values();
        let Some(Value::Number(number)) = self.at(&mut values, labels) else { return false };
        how(number);
        true
    }

    fn at<'v>(&self, values: &'v mut BTreeMap<Labels, Value>, labels: &[&str]) -> Option<&'v mut Value> {
        let labels: Labels = labels.iter().map(|label| Box::from(*label)).collect();
        if values.len() >= MOST && !values.contains_key(&labels) {
            return None;
        }
        Some(values.entry(labels).or_insert_with(|| match self.kind {
            Kind::Histogram(bounds) => Value::Histogram(Arc::new(Histogram::new(bounds))),
            Kind::Counter | Kind::Gauge | Kind::Info => Value::Number(0.0),
        }))
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<Labels, Value>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Value {
    fn sample(&self) -> Sample {
        match self {
            Self::Number(number) => Sample::Number(*number),
            Self::Histogram(histogram) => Sample::Counted(histogram.counted()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::series::DECISIONS;
    use super::*;

    #[test]
    fn a_flood_of_labels_ends_at_the_bound_and_what_was_there_goes_on() {
        let family = Family::new(&DECISIONS);
        let added = (0..5_000).filter(|at| family.add(&[&at.to_string()], 1.0)).count();
        assert_eq!((added, family.samples().len()), (MOST, MOST));
        assert!(family.add(&["7"], 1.0));
        let seventh = family.samples().into_iter().find(|(labels, _)| *labels[0] == *"7").unwrap();
        assert_eq!(seventh.1, Sample::Number(2.0));
    }
}
