//! Tasks as clients see them, in three forms over one record: the extension of 2026-07-28 (SEP-2663), the tasks of
//! 2025-11-25 (SEP-1686), and a handle for clients that know neither.

pub(super) mod extension;
pub(super) mod handle;
pub(super) mod legacy;
pub(super) mod listen;
pub(super) mod progress;

use chrono::{DateTime, SecondsFormat, Utc};
use rmcp::ErrorData;

use super::handler::Handler;
use super::reply;
use crate::auth::Caller;
use crate::gateway::TaskView;
use crate::tasks::{State, TaskId};

/// The caller's task of that name, or the words for one that is not.
pub(super) async fn existing(handler: &Handler, caller: &Caller, id: &str) -> Result<TaskView, ErrorData> {
    let id: TaskId = id.parse().map_err(|()| unknown())?;
    let task = handler.gateway.task(caller, id).await.map_err(|error| reply::request_failed(&error))?;
    task.ok_or_else(unknown)
}

/// -32602 in both forms.
fn unknown() -> ErrorData {
    ErrorData::invalid_params("task not found: it is not one of yours, or it has expired", None)
}

fn status(task: &TaskView) -> &'static str {
    match task.state {
        State::Queued | State::Running if !task.pending.is_empty() => "input_required",
        State::Queued | State::Running => "working",
        State::Completed => "completed",
        State::Failed => "failed",
        State::Cancelled => "cancelled",
    }
}

/// ISO 8601.
fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
