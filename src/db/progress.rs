//! How far a run is, for whoever looks on.

use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Written by the run, read from anywhere.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    backend: AtomicI32,
    /// 0: the primary.
    replica: AtomicUsize,
    rows: AtomicU64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// For a connection, or not begun.
    Waiting,
    /// On a connection; no row has come.
    Running,
    /// Rows come.
    Streaming,
}

impl Progress {
    pub fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Waiting,
            _ if self.rows() == 0 => Phase::Running,
            _ => Phase::Streaming,
        }
    }

    /// Rows that have arrived.
    pub fn rows(&self) -> u64 {
        self.rows.load(Relaxed)
    }

    /// The process id of the backend that it runs on.
    pub fn backend(&self) -> Option<i32> {
        Some(self.backend.load(Relaxed)).filter(|backend| *backend != 0)
    }

    /// The replica that it runs on, by its place in the configuration; `None`: the primary.
    pub fn replica(&self) -> Option<usize> {
        Some(self.replica.load(Relaxed)).filter(|replica| *replica != 0)
    }

    pub(super) fn runs_at(&self, replica: usize) {
        self.replica.store(replica, Relaxed);
    }

    /// What was seen so far counts for nothing: it runs from the start, elsewhere or by another way.
    pub(super) fn begins_anew(&self) {
        self.phase.store(0, Relaxed);
        self.backend.store(0, Relaxed);
        self.rows.store(0, Relaxed);
        self.replica.store(0, Relaxed);
    }

    pub(super) fn runs_on(&self, backend: i32) {
        self.backend.store(backend, Relaxed);
    }

    pub(super) fn has_connection(&self) {
        self.phase.store(1, Relaxed);
    }

    pub(super) fn row(&self) {
        self.rows.fetch_add(1, Relaxed);
    }
}
