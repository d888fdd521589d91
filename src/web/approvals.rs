//! The pages where a person approves or refuses what a program wants to change.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::Utc;

use super::approval_page::{self, Answer};
use super::approvals_page;
use super::fault::Fault;
use super::fields::{SHOWN, TOKEN};
use super::form::Form;
use super::segment::Segment;
use super::site::Site;
use super::visitor::Member;
use crate::approvals::ApprovalId;
use crate::auth::server::Session;
use crate::gateway::{Decided, Decision};

/// Names of the forms in their tokens.
pub(super) const APPROVE: &str = "approve";
pub(super) const REFUSE: &str = "refuse";

pub(super) async fn list(State(site): State<Arc<Site>>, member: Member) -> Result<Response, Fault> {
    let identity = &member.session.identity;
    let open = site.gateway.now().open_approvals(&identity.caller()).await?;
    Ok(approvals_page::page(&open, Utc::now()).of(&identity.subject).into_response())
}

/// For somebody who may not see it, there is none.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Segment(id): Segment,
    member: Member,
) -> Result<Response, Fault> {
    let id: ApprovalId = id.parse().map_err(|()| Fault::not_found())?;
    let caller = member.session.identity.caller();
    let gateway = site.gateway.now();
    let approval = gateway.approval(&caller, id).await?.ok_or_else(Fault::not_found)?;
    let decides = gateway.open_approvals(&caller).await?.iter().any(|open| open.id == id);
    let answer = match decides {
        true => Some(answer(&member.session, id, approval.digest()?)),
        false => None,
    };
    Ok(approval_page::page(&approval, answer.as_ref(), Utc::now()).of(caller.subject).into_response())
}

pub(super) async fn approve(
    State(site): State<Arc<Site>>,
    Segment(id): Segment,
    member: Member,
    form: Form,
) -> Result<Response, Fault> {
    decide(&site, &id, &member, (APPROVE, &form), Decision::Approve).await
}

pub(super) async fn refuse(
    State(site): State<Arc<Site>>,
    Segment(id): Segment,
    member: Member,
    form: Form,
) -> Result<Response, Fault> {
    let reason = form.field("reason").to_owned();
    decide(&site, &id, &member, (REFUSE, &form), Decision::Refuse { reason }).await
}

async fn decide(
    site: &Site,
    id: &str,
    member: &Member,
    (name, form): (&str, &Form),
    decision: Decision,
) -> Result<Response, Fault> {
    if !member.session.is_csrf_token(name, id, form.field(TOKEN)) {
        return Err(Fault::not_ours());
    }
    let parsed: ApprovalId = id.parse().map_err(|()| Fault::not_found())?;
    let caller = member.session.identity.caller();
    match site.gateway.now().decide(&caller, parsed, decision, form.field(SHOWN)).await? {
        // What became of it, be it by this answer or by an earlier one, is on its page.
        Decided::Done(_) | Decided::TooLate(_) => {
            Ok(Redirect::to(&format!("/approvals/{parsed}")).into_response())
        }
        Decided::Unknown => Err(Fault::not_found()),
    }
}

fn answer(session: &Session, id: ApprovalId, shown: String) -> Answer {
    let id = id.to_string();
    Answer {
        approve: session.csrf_token(APPROVE, &id),
        refuse: session.csrf_token(REFUSE, &id),
        shown,
        asks_code: false,
        wrong: None,
    }
}
