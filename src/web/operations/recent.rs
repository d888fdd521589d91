//! What was decided of late, and what was done by operators and to policies.

use maud::{Markup, html};

use super::words::{section, statement, table, who};
use crate::gateway::{RecentDecision, Snapshot, Told};
use crate::web::shown::line_of;

/// Rows at once.
const ROWS: usize = 40;

pub(super) fn decisions(snapshot: &Snapshot) -> Markup {
    let all = snapshot.decisions.len();
    section(
        "decisions",
        "Decisions of late",
        (all.min(ROWS), all),
        html! {
            @if all == 0 { p.quiet { "Nothing was decided since the start." } }
            @else {
                (table("Decisions of late", &["At", "Who", "Database", "Decision", "Statement"], html! {
                    @for one in snapshot.decisions.iter().take(ROWS) { (decision(one)) }
                }))
            }
        },
    )
}

fn decision(one: &RecentDecision) -> Markup {
    html! {
        tr {
            td.number { (one.at.format("%H:%M:%S")) }
            td { (who(&one.issuer, &one.subject, one.client.as_deref())) }
            td { (line_of(&one.database)) br; span.quiet { (line_of(&one.kind)) } }
            td {
                @if one.allowed { span.done { "allowed" } }
                @else {
                    span.over { "refused" }
                    br;
                    @match (&one.rule, &one.sqlstate) {
                        (Some(rule), _) => { code { (line_of(rule)) } }
                        (None, Some(sqlstate)) => { code { (sqlstate.as_str()) } }
                        (None, None) => {}
                    }
                }
            }
            td.wordy { (statement(one.statement())) }
        }
    }
}

pub(super) fn told(snapshot: &Snapshot) -> Markup {
    let all = snapshot.told.len();
    section(
        "told",
        "What was done",
        (all, all),
        html! {
            @if all == 0 { p.quiet { "Nothing by an operator, and to no policy, since the start." } }
            @else {
                (table("What was done", &["At", "By", "What"], html! {
                    @for one in &snapshot.told { (row(one)) }
                }))
            }
        },
    )
}

fn row(one: &Told) -> Markup {
    html! {
        tr {
            td.number { (one.at.format("%H:%M:%S")) }
            td { (line_of(&one.by)) br; span.quiet { (one.kind) } }
            td.wordy { (line_of(&one.what)) }
        }
    }
}
