//! Why a store takes no more tasks.

use super::TaskSettings;
use crate::pg::{Diagnostic, SqlState};

/// What a store holds at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    /// Tasks that have not ended.
    pub(super) open: usize,
    /// Bytes of questions, answers and pages.
    pub(super) bytes: u64,
}

/// Why an owner who has `own` of `all` gets no more. What was answered already and only keeps its pages gives way to
/// the tasks of all owners; a task's own answer is small, and bounded for each owner.
pub(super) fn refusal(settings: &TaskSettings, own: Held, all: Held, listed: bool) -> Option<Diagnostic> {
    if own.open >= settings.open_per_owner {
        Some(too_many("you have", own.open))
    } else if all.open >= settings.open {
        Some(too_many("the server has", all.open))
    } else if own.bytes >= settings.stored_bytes_per_owner {
        Some(too_much("your answers", own.bytes, settings))
    } else if !listed && all.bytes >= settings.stored_bytes {
        Some(too_much("the answers of all callers", all.bytes, settings))
    } else {
        None
    }
}

fn too_many(who: &str, open: usize) -> Diagnostic {
    refused(format!("{who} {open} tasks that have not ended, the most that there may be"))
        .rule("limits.tasks")
        .hint("wait for one of them to end, or cancel one, then repeat the call")
}

fn too_much(whose: &str, bytes: u64, settings: &TaskSettings) -> Diagnostic {
    let minutes = settings.ttl.as_secs().div_ceil(60);
    refused(format!("{whose} that are kept for reading take {} MB, the most that they may", bytes >> 20))
        .rule("limits.stored")
        .hint(format!(
            "they are forgotten {minutes} min after their question; until then ask what is answered within a call: \
             aggregate, filter, or set a `limit`"
        ))
}

fn refused(message: String) -> Diagnostic {
    let refusal = Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message);
    Diagnostic { retryable: true, ..refusal }
}
