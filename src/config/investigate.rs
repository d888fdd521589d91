//! `[investigate]`: how far the tool of that name goes.

use std::time::Duration;

use super::ConfigError;
use super::section::{Section, integer};
use crate::mcp::InvestigateBounds;

pub(super) fn investigate(mut section: Section<'_>) -> Result<InvestigateBounds, ConfigError> {
    let default = InvestigateBounds::default();
    let mut count = |key, range, default: usize| -> Result<usize, ConfigError> {
        let value = section.value(key, integer(range))?;
        Ok(value.map_or(default, |value| usize::try_from(value).unwrap_or(usize::MAX)))
    };
    let bounds = InvestigateBounds {
        rounds: count("rounds", 1..=100, default.rounds)?,
        calls_a_round: count("calls_a_round", 1..=100, default.calls_a_round)?,
        result_characters: count("result_characters", 500..=1_000_000, default.result_characters)?,
        characters: count("characters", 500..=10_000_000, default.characters)?,
        waiting: count("waiting", 1..=10_000, default.waiting)?,
        waiting_per_caller: count("waiting_per_caller", 1..=1_000, default.waiting_per_caller)?,
        ..default.clone()
    };
    let mut tokens = |key, default: u32| -> Result<u32, ConfigError> {
        let value = section.value(key, integer(100..=1_000_000))?;
        Ok(value.map_or(default, |value| u32::try_from(value).unwrap_or(u32::MAX)))
    };
    let bounds = InvestigateBounds {
        tokens_a_round: tokens("tokens_a_round", default.tokens_a_round)?,
        tokens: tokens("tokens", default.tokens)?,
        ..bounds
    };
    let seconds = section.value("seconds", integer(1..=3_600))?;
    let time = seconds.map_or(default.time, Duration::from_secs);
    section.finish()?;
    Ok(InvestigateBounds { time, ..bounds })
}
