//! An approval: all that is approved, whole, and the two answers.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::fields::{SHOWN, error, form, hidden, invalid};
use super::layout::Page;
use super::moment::{left, moment};
use super::preview::preview;
use super::shown::{line_of, lines, marked};
use crate::approvals::{ApprovalRule, ApprovalState, Person};
use crate::gateway::ApprovalView;

const WRONG: &str = "wrong";

/// What a person needs to give an answer.
pub(super) struct Answer {
    /// Tokens of the two forms.
    pub(super) approve: String,
    pub(super) refuse: String,
    /// What the person sees, as [`ApprovalView::digest`] has it: they answer to nothing else.
    pub(super) shown: String,
    /// Nobody has logged in: the code that the client has shown says who answers.
    pub(super) asks_code: bool,
    /// What was wrong with the last answer.
    pub(super) wrong: Option<String>,
}

/// `answer`: none for who may see it and not decide it.
pub(super) fn page(approval: &ApprovalView, answer: Option<&Answer>, now: DateTime<Utc>) -> Page {
    let is_open = approval.state == ApprovalState::Pending;
    let title = if is_open { "A change waits for your word" } else { "A change and what became of it" };
    let body = html! {
        (state(approval, now))
        (facts(approval))
        h2 #statement { "What runs" }
        (text(&approval.statement, "What runs"))
        (params(&approval.params))
        h2 { "What it would do" }
        (preview(&approval.preview()))
        @if is_open {
            @match answer {
                Some(answer) => { h2 { "Your answer" } (answers(approval, answer)) }
                None => { p.note { "Somebody with the scope " code { "approve" } " decides this." } }
            }
        }
    };
    Page::new(title, body).wide()
}

fn state(approval: &ApprovalView, now: DateTime<Utc>) -> Markup {
    html! {
        @match approval.state {
            ApprovalState::Pending => {
                p.note role="status" {
                    "Nothing has been changed. " (word_needed(approval)) " It expires in "
                    strong { (left(approval.expires, now)) } "."
                }
            }
            ApprovalState::Approved => {
                p role="status" {
                    span.done { "Approved" } " by " (people(&approval.approved_by))
                    ". It may run once: go back to the program that asked."
                }
            }
            ApprovalState::Used => {
                p role="status" {
                    span.done { "Approved" } " by " (people(&approval.approved_by)) ", and used: it cannot run again."
                }
            }
            ApprovalState::Refused => {
                p role="status" {
                    span.over { "Refused" }
                    @if let Some((by, reason)) = &approval.refused_by {
                        " by " (line_of(&by.shown()))
                        @if !reason.is_empty() { ": “" (line_of(reason)) "”" }
                    }
                    ". Nothing has been changed."
                }
            }
            ApprovalState::Expired => {
                p role="status" {
                    span.over { "Expired" } ": nobody decided in time, or it was not used. Nothing has been changed."
                }
            }
        }
        @if approval.state == ApprovalState::Pending && !approval.approved_by.is_empty() {
            p { "Approved so far by " (people(&approval.approved_by)) "." }
        }
    }
}

fn word_needed(approval: &ApprovalView) -> &'static str {
    match (approval.rule, approval.approved_by.is_empty()) {
        (ApprovalRule::Requester | ApprovalRule::Approver, _) => {
            "It runs once, exactly as shown, if you approve it."
        }
        (ApprovalRule::Two, true) => "It runs once, exactly as shown, if two people approve it.",
        (ApprovalRule::Two, false) => "It runs once, exactly as shown, if one more person approves it.",
    }
}

fn people(people: &[Person]) -> Markup {
    let names: Vec<String> = people.iter().map(Person::shown).collect();
    line_of(&names.join(", "))
}

fn facts(approval: &ApprovalView) -> Markup {
    let client = [&approval.client_id, &approval.client].into_iter().flatten().next();
    html! {
        dl {
            dt { "Change" } dd { strong { (line_of(&approval.kind)) } " on " strong { (line_of(&approval.relation)) } }
            dt { "Rows" } dd { "at the most " (approval.rows) ", or none at all" }
            dt { "Database" } dd { (line_of(&approval.database)) }
            dt { "As role" } dd { (line_of(&approval.run_as)) }
            dt { "Asked by" } dd { (line_of(&approval.requester.shown())) }
            dt { "Through" } dd {
                @match client {
                    Some(client) => {
                        (line_of(client))
                        @if approval.client_id.is_none() { " " span.quiet { "(as it calls itself)" } }
                    }
                    None => { span.quiet { "a program that gave no name" } }
                }
            }
            dt { "Asked at" } dd { (moment(approval.created)) }
            dt { "Expires at" } dd { (moment(approval.expires)) }
            dt { "Policy" } dd { (line_of(&approval.policy)) }
            dt { "Approval" } dd { code { (approval.id) } }
        }
    }
}

fn text(text: &str, label: &str) -> Markup {
    let strange = marked(text);
    html! {
        @if strange > 0 {
            p.error {
                "This text has " (strange)
                " characters that are invisible or look like others. They are marked with their code points."
            }
        }
        (lines(text, label))
    }
}

fn params(params: &[Option<String>]) -> Markup {
    html! {
        @if !params.is_empty() {
            h2 { "With these values" }
            @for (number, value) in (1..).zip(params) {
                @let name = format!("${number}");
                @match value {
                    Some(value) if value.is_empty() => { p { code { (name) } " is an empty text" } }
                    Some(value) if value.contains('\n') => {
                        p { code { (name) } " is" }
                        (text(value, &format!("Value of {name}")))
                    }
                    Some(value) => { p { code { (name) } " is " code.value { (line_of(value)) } } }
                    None => { p { code { (name) } " is NULL" } }
                }
            }
        }
    }
}

fn answers(approval: &ApprovalView, answer: &Answer) -> Markup {
    let (wrong, described) = invalid(WRONG, answer.wrong.as_deref());
    let action = format!("/approvals/{}", approval.id);
    html! {
        (error(WRONG, answer.wrong.as_deref()))
        (form(&format!("{action}/approve"), &answer.approve, html! {
            (hidden(SHOWN, &answer.shown))
            @if answer.asks_code { (code("approve-code", wrong, described)) }
            button type="submit" { "Approve this change" }
        }))
        h2 { "Or refuse it" }
        (form(&format!("{action}/refuse"), &answer.refuse, html! {
            (hidden(SHOWN, &answer.shown))
            @if answer.asks_code { (code("refuse-code", wrong, described)) }
            label for="reason" { "Reason (the program that asked will read it)" }
            textarea #reason name="reason" rows="3" maxlength="500" {}
            button.plain type="submit" { "Refuse" }
        }))
    }
}

fn code(id: &str, wrong: Option<&str>, described: Option<&str>) -> Markup {
    html! {
        label for=(id) { "Code that your client showed with the link" }
        input id=(id) type="text" name="code" required inputmode="numeric" maxlength="12"
            autocomplete="one-time-code" aria-invalid=[wrong] aria-describedby=[described];
    }
}
