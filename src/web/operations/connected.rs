//! Who is connected, and who has asked something of late.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::databases::segment;
use super::words::{lasted, section, table, who};
use crate::gateway::{CallerView, SessionView, Snapshot};
use crate::web::shown::{line_of, said};

pub(super) fn panel(snapshot: &Snapshot) -> Markup {
    let callers = (snapshot.callers.len(), snapshot.callers_in_all);
    let sessions = (snapshot.sessions.len(), snapshot.sessions_in_all);
    html! {
        (section("callers", "Callers of late", callers, html! {
            @if snapshot.callers.is_empty() { p.quiet { "Nobody has asked anything since the start." } }
            @else {
                (table("Callers of late", &["Who", "Last asked", "Allowed", "Refused", "Suspend"], html! {
                    @for one in &snapshot.callers { (caller(one, snapshot.at)) }
                }))
            }
        }))
        (section("sessions", "Sessions", sessions, html! {
            @if snapshot.sessions.is_empty() {
                p.quiet { "None is open. Clients of 2026-07-28 have none: they are among the callers." }
            } @else {
                (table("Sessions", &["Who", "Revision", "Streams", "Requests", "Idle for"], html! {
                    @for one in &snapshot.sessions { (session(one)) }
                }))
            }
        }))
    }
}

fn caller(one: &CallerView, now: DateTime<Utc>) -> Markup {
    let ago = (now - one.seen).to_std().unwrap_or_default();
    let clients = (!one.clients.is_empty()).then(|| one.clients.join(", "));
    let link = format!("/?subject={}&issuer={}#suspend", segment(&one.subject), segment(&one.issuer));
    html! {
        tr {
            td { (who(&one.issuer, &one.subject, clients.as_deref())) }
            td { (lasted(ago)) " ago" }
            td.number { (one.allowed) }
            td.number { @if one.refused > 0 { span.over { (one.refused) } } @else { "0" } }
            td { a href=(link) aria-label=(said(&format!("Suspend {}", one.subject))) { "Suspend .." } }
        }
    }
}

fn session(one: &SessionView) -> Markup {
    html! {
        tr {
            td { (who(&one.issuer, &one.subject, one.client.as_deref())) }
            td { (line_of(one.revision.as_deref().unwrap_or("begins"))) }
            td.number { (one.streams) }
            td.number { (one.requests) }
            td.number { (lasted(one.idle)) }
        }
    }
}
