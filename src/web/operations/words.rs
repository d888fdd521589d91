//! What the panels have in common: people, statements, durations, and tables without rows.

use std::time::Duration;

use maud::{Markup, html};

use crate::approvals::Person;
use crate::gateway::Worded;
use crate::web::shown::line_of;

/// Characters of a statement in a row.
const STATEMENT: usize = 400;
/// Of a fingerprint.
const FINGERPRINT: usize = 16;

/// A person, and below them their client as it calls itself.
pub(super) fn who(issuer: &str, subject: &str, client: Option<&str>) -> Markup {
    let person = Person { issuer: issuer.to_owned(), subject: subject.to_owned() };
    html! {
        div.who {
            strong { (line_of(&person.shown())) }
            @if let Some(client) = client { br; span.quiet { (line_of(client)) } }
        }
    }
}

pub(super) fn statement(worded: &Worded) -> Markup {
    html! {
        @match worded {
            Worded::Statement(text) => {
                @match text.char_indices().nth(STATEMENT) {
                    None => { code { (line_of(text)) } }
                    Some((at, _)) => { code { (line_of(text.get(..at).unwrap_or_default())) } " .." }
                }
            }
            Worded::Fingerprint(hash) => {
                code { (hash.get(..FINGERPRINT).unwrap_or_default()) } " " span.quiet { "(fingerprint)" }
            }
            Worded::Withheld => { span.quiet { "not shown" } }
            Worded::Unreadable => { span.quiet { "not a statement that could be shown without its values" } }
            Worded::Absent => { span.quiet { "no statement of theirs" } }
            Worded::TooLong => { span.quiet { "too long to be shown" } }
        }
    }
}

/// `850 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`.
pub(super) fn lasted(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{}.{} s", seconds, time.subsec_millis() / 100),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// A panel with its heading, and how many of how many it shows.
pub(super) fn section(id: &str, title: &str, (shown, all): (usize, usize), body: Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby=(format!("{id}-title")) {
            h2 id=(format!("{id}-title")) {
                (title) " " span.count { (all) }
            }
            (body)
            @if shown < all { p.quiet.small { "The first " (shown) " of " (all) "." } }
        }
    }
}

/// It scrolls by itself where it is too wide, also by the keyboard.
pub(super) fn table(label: &str, heads: &[&str], rows: Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_two_units_at_the_most() {
        for (ms, words) in
            [(850, "850 ms"), (3_240, "3.2 s"), (250_000, "4 min 10 s"), (7_500_000, "2 h 5 min")]
        {
            assert_eq!(lasted(Duration::from_millis(ms)), words);
        }
    }

    #[test]
    fn what_others_name_is_escaped_and_marked() {
        let shown = who("", "<b>\u{202e}", Some("<script>")).into_string();
        assert!(
            shown.contains("&lt;b&gt;<mark>U+202E</mark>") && shown.contains("&lt;script&gt;"),
            "{shown}"
        );
        let shown = statement(&Worded::Statement("SELECT '</code><script>'".to_owned())).into_string();
        assert!(!shown.contains("<script>"), "{shown}");
    }
}
