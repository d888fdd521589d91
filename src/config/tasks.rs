//! `[tasks]`: what outlives its call, and how much of it there may be.

use std::time::Duration;

use super::ConfigError;
use super::section::{Section, integer};
use crate::tasks::TaskSettings;

const MEGABYTE: u64 = 1024 * 1024;

#[derive(Clone, Debug, Default)]
pub struct Tasks {
    pub settings: TaskSettings,
    /// How often a process says to the others that it lives.
    pub heartbeat: Option<Duration>,
    /// How long running tasks may go on after the order to stop.
    pub drain: Option<Duration>,
}

pub(super) fn tasks(mut section: Section<'_>) -> Result<Tasks, ConfigError> {
    let default = TaskSettings::default();
    let mut count = |key, most, default: usize| -> Result<usize, ConfigError> {
        let value = section.value(key, integer(1..=most))?;
        Ok(value.map_or(default, |value| usize::try_from(value).unwrap_or(usize::MAX)))
    };
    let settings = TaskSettings {
        running: count("running", 1_000, default.running)?,
        running_per_owner: count("running_per_caller", 1_000, default.running_per_owner)?,
        open: count("open", 10_000_000, default.open)?,
        open_per_owner: count("open_per_caller", 10_000_000, default.open_per_owner)?,
        ..default.clone()
    };
    let mut amount = |key, least, most, unit: u64| -> Result<Option<u64>, ConfigError> {
        Ok(section.value(key, integer(least..=most))?.map(|value| value.saturating_mul(unit)))
    };
    const DAY: u64 = 24 * 60 * 60;
    let settings = TaskSettings {
        stored_bytes: amount("stored_megabytes", 1, 1_000_000, MEGABYTE)?.unwrap_or(default.stored_bytes),
        stored_bytes_per_owner: amount("stored_megabytes_per_caller", 1, 1_000_000, MEGABYTE)?
            .unwrap_or(default.stored_bytes_per_owner),
        answer_bytes: amount("answer_megabytes", 1, 1_000_000, MEGABYTE)?.unwrap_or(default.answer_bytes),
        ttl: amount("ttl_seconds", 1, 30 * DAY, 1)?.map_or(default.ttl, Duration::from_secs),
        longest_ttl: amount("longest_ttl_seconds", 1, 30 * DAY, 1)?
            .map_or(default.longest_ttl, Duration::from_secs),
        poll_interval: amount("poll_ms", 50, 60_000, 1)?.map_or(default.poll_interval, Duration::from_millis),
        task_after: amount("task_after_ms", 1, 50_000, 1)?.map_or(default.task_after, Duration::from_millis),
        // Clients give up after a minute.
        handle_after: amount("handle_after_ms", 1, 50_000, 1)?
            .map_or(default.handle_after, Duration::from_millis),
        ..settings
    };
    let drain = amount("drain_seconds", 0, 3_600, 1)?.map(Duration::from_secs);
    let heartbeat = amount("heartbeat_ms", 100, 60_000, 1)?.map(Duration::from_millis);
    let tasks = Tasks { settings, heartbeat, drain };
    section.finish()?;
    Ok(tasks)
}
