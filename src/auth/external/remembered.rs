//! What was said of tokens, for a while and for so many of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::ends::Fingerprint;

#[derive(Debug)]
pub(super) struct Remembered<T> {
    said: HashMap<Fingerprint, (T, Instant)>,
    most: usize,
    lasting: Duration,
}

impl<T: Clone> Remembered<T> {
    pub(super) fn new(most: usize, lasting: Duration) -> Self {
        Self { said: HashMap::new(), most, lasting }
    }

    pub(super) fn of(&self, token: &Fingerprint) -> Option<T> {
        let (said, at) = self.said.get(token)?;
        (at.elapsed() < self.lasting).then(|| said.clone())
    }

    /// Where it is full of what still holds, nothing is kept.
    pub(super) fn keep(&mut self, token: Fingerprint, said: T) {
        let lasting = self.lasting;
        if self.said.len() >= self.most {
            self.said.retain(|_, (_, at)| at.elapsed() < lasting);
        }
        if self.said.len() < self.most {
            self.said.insert(token, (said, Instant::now()));
        }
    }
}
