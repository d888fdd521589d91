//! What waits for the reader's word.

use chrono::{DateTime, Utc};
use maud::html;

use super::layout::Page;
use super::moment::left;
use super::shown::line_of;
use crate::gateway::ApprovalView;

pub(super) fn page(open: &[ApprovalView], now: DateTime<Utc>) -> Page {
    let body = html! {
        @if open.is_empty() {
            p { "Nothing waits for your word." }
            p.quiet { "When a program wants to change something, it gives you a link to a page here." }
        } @else {
            ul.list {
                @for approval in open {
                    li {
                        a href=(format!("/approvals/{}", approval.id)) {
                            strong { (line_of(&approval.kind)) } " on " strong { (line_of(&approval.relation)) }
                        }
                        br;
                        span.quiet.small {
                            "in " (line_of(&approval.database)) ", asked by " (line_of(&approval.requester.shown()))
                            ", expires in " (left(approval.expires, now))
                        }
                    }
                }
            }
        }
    };
    Page::new("Approvals", body).wide()
}
