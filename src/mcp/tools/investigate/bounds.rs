//! How far one investigation goes.

use std::time::Duration;

/// `[investigate]`: of one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Questions to the client's model.
    pub rounds: usize,
    /// Calls of one round that are made; the others are refused.
    pub calls_a_round: usize,
    /// That one answer of the model may have.
    pub tokens_a_round: u32,
    /// Of all its answers together, four bytes a token.
    pub tokens: u32,
    /// Characters of one result that the model is shown.
    pub result_characters: usize,
    /// Of all results together.
    pub characters: usize,
    /// From the call to its answer, the model's time among it. A statement has the policy's besides.
    pub time: Duration,
    /// Investigations that wait for their clients between two calls (2026-07-28): of all callers.
    pub waiting: usize,
    /// Of one caller; the oldest makes room.
    pub waiting_per_caller: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            rounds: 8,
            calls_a_round: 8,
            tokens_a_round: 2_000,
            tokens: 12_000,
            result_characters: 6_000,
            characters: 60_000,
            time: Duration::from_secs(240),
            waiting: 64,
            waiting_per_caller: 4,
        }
    }
}
