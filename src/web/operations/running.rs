//! What runs and what waits, with the buttons that cancel it.

use maud::{Markup, html};

use super::words::{lasted, section, statement, table, who};
use crate::gateway::{QueuedView, RunningView, Snapshot, Stoppable};
use crate::tasks::State;
use crate::web::shown::{line_of, said};

/// The form that the buttons belong to.
pub(super) const CANCEL: &str = "cancel";

pub(super) fn panel(snapshot: &Snapshot) -> Markup {
    let counts = (snapshot.running.len(), snapshot.running_in_all);
    let waiting = snapshot.queued.len();
    html! {
        (section("running", "Running", counts, html! {
            @if snapshot.running.is_empty() { p.quiet { "Nothing runs in this process." } }
            @else {
                (table("Running", &["Who", "Database", "Statement", "For", "Cancel"], html! {
                    @for one in &snapshot.running { (running(one)) }
                }))
            }
        }))
        (section("waiting", "Tasks that wait", (waiting, waiting), html! {
            @match &snapshot.tasks {
                None => { p.error { "The store of tasks does not answer." } }
                Some(states) => {
                    p.quiet.small {
                        @for (at, (state, count)) in states.iter().enumerate() {
                            @if at > 0 { ", " }
                            (count) " " (state.word())
                        }
                        "."
                    }
                }
            }
            @if !snapshot.queued.is_empty() {
                (table("Tasks that wait", &["Who", "Database", "Statement", "Since", "Cancel"], html! {
                    @for one in &snapshot.queued { (queued(one)) }
                }))
            }
        }))
    }
}

fn running(one: &RunningView) -> Markup {
    html! {
        tr {
            td { (who(&one.issuer, &one.subject, one.client.as_deref())) }
            td { (line_of(&one.database)) br; span.quiet { (line_of(&one.kind)) @if one.is_task { ", task" } } }
            td.wordy {
                @if one.writes { span.over { "writes" } " " }
                (statement(&one.statement))
            }
            td.number { (lasted(one.runs_for)) }
            td {
                @if one.cancelled { span.quiet { "is cancelled" } }
                @else { (button(Stoppable::Run(one.number), &one.kind, &one.subject)) }
            }
        }
    }
}

fn queued(one: &QueuedView) -> Markup {
    html! {
        tr {
            td { (who(&one.issuer, &one.subject, one.client.as_deref())) }
            td {
                (line_of(one.database.as_deref().unwrap_or_default()))
                @if one.state == State::Running { br; span.quiet { "runs elsewhere" } }
            }
            td.wordy { (statement(&one.statement)) }
            td.number { (lasted(one.waits_for)) }
            td { (button(Stoppable::Task(one.id), "task", &one.subject)) }
        }
    }
}

fn button(what: Stoppable, kind: &str, subject: &str) -> Markup {
    html! {
        button.plain.tight type="submit" form=(CANCEL) name="what" value=(what)
            aria-label=(said(&format!("Cancel the {kind} of {subject}"))) { "Cancel" }
    }
}
