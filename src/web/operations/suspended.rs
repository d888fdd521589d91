//! What is suspended, and the form that suspends.

use maud::{Markup, html};

use super::words::{section, table};
use crate::gateway::Snapshot;
use crate::store::suspensions::{Suspended, Suspension, shown};
use crate::web::fields::form;
use crate::web::shown::{line_of, marked, said};

/// The form that the buttons belong to.
pub(super) const RESUME: &str = "resume";

/// How long, as the form says it, and in seconds; `None` until it is resumed.
pub(super) const TIMES: [(&str, &str, Option<u64>); 5] = [
    ("15m", "15 minutes", Some(900)),
    ("1h", "1 hour", Some(3_600)),
    ("8h", "8 hours", Some(28_800)),
    ("24h", "24 hours", Some(86_400)),
    ("open", "until it is resumed", None),
];

pub(super) fn panel(snapshot: &Snapshot) -> Markup {
    let all = &snapshot.suspensions;
    if all.is_empty() {
        return html! { section #suspended hidden {} };
    }
    let body = table(
        "Suspended",
        &["What", "Why", "By", "Until", "Resume"],
        html! {
            @for one in all { (row(one)) }
        },
    );
    section("suspended", "Suspended", (all.len(), all.len()), body)
}

fn row(one: &Suspension) -> Markup {
    let Suspension { of, reason, by, since: _, until } = one;
    let words = of.to_string();
    html! {
        tr {
            td { strong.over { (line_of(&words)) } }
            td.wordy { (line_of(reason)) }
            td { (line_of(by)) }
            td { (until.map_or("it is resumed".to_owned(), shown)) }
            td {
                button.plain.tight type="submit" form=(RESUME) name="what" value=(value(of))
                    aria-label=(said(&format!("Resume {words}"))) { "Resume" }
            }
        }
    }
}

/// In a form.
pub(super) fn value(of: &Suspended) -> String {
    serde_json::to_string(of).unwrap_or_default()
}

/// `files`: of each database, those of its policies. `subject`, `issuer`: whom a link has named.
pub(super) fn switch(
    token: &str,
    files: &[(String, Vec<String>)],
    (subject, issuer): (&str, &str),
) -> Markup {
    html! {
        section #suspend aria-labelledby="suspend-title" {
            h2 #suspend-title { "Suspend" }
            p.quiet.small { "Calls are refused from then on, and what runs ends. Callers read the reason." }
            (form("/suspend", token, html! {
                div.fields {
                    div {
                        label for="what" { "What" }
                        select #what name="what" required {
                            option value="caller" selected[!subject.is_empty()] { "one caller, named beside this" }
                            option value=(value(&Suspended::Writes { database: None })) { "all writes" }
                            @for (database, files) in files { (of_database(database, files)) }
                            option value=(value(&Suspended::All)) { "every call" }
                        }
                    }
                    div {
                        label for="subject" { "Caller (for one caller)" }
                        input #subject type="text" name="subject" value=(subject) maxlength="500"
                            autocomplete="off" spellcheck="false" autocapitalize="none";
                    }
                    div {
                        label for="issuer" { "Issuer (empty: any)" }
                        input #issuer type="text" name="issuer" value=(issuer) maxlength="500"
                            autocomplete="off" spellcheck="false" autocapitalize="none";
                    }
                    div {
                        label for="time" { "For how long" }
                        select #time name="time" {
                            @for (name, words, _) in TIMES { option value=(name) { (words) } }
                        }
                    }
                }
                // A field has it as it is, since it says whom.
                @for named in [subject, issuer] {
                    @if marked(named) > 0 { p.error { "Named as " (line_of(named)) } }
                }
                label for="reason" { "Reason" }
                input #reason type="text" name="reason" required maxlength="500" autocomplete="off";
                button.danger type="submit" { "Suspend" }
            }))
        }
    }
}

fn of_database(database: &str, files: &[String]) -> Markup {
    let policy = |file: Option<&String>| {
        value(&Suspended::Policy { database: database.to_owned(), file: file.cloned() })
    };
    html! {
        option value=(value(&Suspended::Writes { database: Some(database.to_owned()) })) {
            "writes in " (said(database))
        }
        option value=(policy(None)) { "whoever calls under a policy of " (said(database)) }
        @if files.len() > 1 {
            @for file in files {
                option value=(policy(Some(file))) { "under " (said(file)) " of " (said(database)) }
            }
        }
    }
}
