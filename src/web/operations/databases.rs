//! Whether PostgreSQL answers, how full the pools are, how long statements take, which policies hold.

use maud::{Markup, html};

use super::words::{lasted, section, table};
use crate::gateway::{DatabaseView, Snapshot};
use crate::web::shown::{line_of, said};

pub(super) fn panel(snapshot: &Snapshot) -> Markup {
    let all = snapshot.databases.len();
    let heads = ["Database", "PostgreSQL", "Connections in use", "Last statements", "Policies"];
    let body = html! {
        @for fault in &snapshot.not_taken {
            p { span.over { "not taken, what was before holds: " } (line_of(fault)) }
        }
        (table("Databases", &heads, html! { @for one in &snapshot.databases { (row(one)) } }))
    };
    section("databases", "Databases", (all, all), body)
}

fn row(one: &DatabaseView) -> Markup {
    html! {
        tr {
            td { strong { (line_of(&one.name)) } }
            td {
                @match &one.answer {
                    Ok(took) => { span.done { "answers" } br; span.quiet { "in " (lasted(*took)) } }
                    Err(why) => { span.over { "does not answer" } br; span.quiet { (line_of(why)) } }
                }
            }
            td {
                @for (name, pool) in &one.pools {
                    div {
                        meter aria-label=(said(&format!("{name} in use"))) min="0" max=(pool.size.max(1)) value=(pool.in_use) {}
                        " " (pool.in_use) " of " (pool.size) " " span.quiet { (name) }
                        @if pool.waiting > 0 { ", " span.over { (pool.waiting) " wait" } }
                    }
                }
            }
            td {
                @if one.latency.count == 0 { span.quiet { "none yet" } }
                @else {
                    "median " strong { (lasted(one.latency.median)) } ", 95 % within "
                    strong { (lasted(one.latency.p95)) }
                    br;
                    span.quiet {
                        (one.latency.count) " statements, the longest " (lasted(one.latency.longest))
                        @if one.latency.failed > 0 { ", " (one.latency.failed) " failed" }
                    }
                }
            }
            td {
                @for policy in &one.policies {
                    div {
                        a href=(format!("/policies?database={}", segment(&one.name))) {
                            @match &policy.file {
                                Some(file) => { (line_of(name_of(file))) }
                                None => { "built in" }
                            }
                        }
                        " " code { (line_of(&policy.version)) }
                    }
                }
            }
        }
    }
}

fn name_of(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// In a query.
pub(super) fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
