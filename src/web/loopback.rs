//! The pages where nobody logs in: on loopback, beside a client on stdio. Who answers types the code that the client has
//! shown them, and them alone.

mod credentials;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use chrono::Utc;
use http::HeaderMap;

use super::approval_page::{self, Answer};
use super::approvals::{APPROVE, REFUSE};
use super::cookies::{self, Purpose};
use super::fault::Fault;
use super::fields::{SHOWN, TOKEN};
use super::form::Form;
use super::place::{Place, random};
use super::segment::Segment;
use super::visitor::append;
use super::{Pages, assets, fault, gate};
use crate::approvals::{ApprovalId, Checked, Codes};
use crate::auth::{Caller, Credentials, PublicUrl};
use crate::gateway::{Decided, Decision, Live};
use crate::store::MasterKey;

/// What the pages on loopback are composed of.
#[derive(Clone, Debug)]
pub struct LoopbackParts {
    pub gateway: Live,
    /// Whose word it is: the one whose client runs the process.
    pub caller: Caller,
    pub codes: Arc<Codes>,
    /// Where databases are used under people's own logins.
    pub credentials: Option<Arc<Credentials>>,
    /// Of this process.
    pub key: MasterKey,
}

struct Room {
    place: Arc<Place>,
    parts: LoopbackParts,
}

impl Pages {
    /// Those that are served on `address`. None where it cannot be the host of a URL.
    pub fn loopback(address: SocketAddr, parts: LoopbackParts) -> Self {
        let Ok(url) = PublicUrl::parse(&format!("http://{address}")) else { return Self::default() };
        let place = Arc::new(Place::new(&url, &[], &parts.key));
        let room = Arc::new(Room { place: Arc::clone(&place), parts });
        let pages = Router::new()
            .route("/approvals/{id}", get(show))
            .route("/approvals/{id}/approve", post(approve))
            .route("/approvals/{id}/refuse", post(refuse))
            .route("/credentials/{id}", get(credentials::show).post(credentials::give))
            .method_not_allowed_fallback(fault::not_allowed)
            .layer(from_fn_with_state(Arc::clone(&place), gate::page));
        let assets = Router::new()
            .route("/assets/{name}", get(assets::serve))
            .layer(from_fn_with_state(Arc::clone(&place), gate::endpoint));
        let whole = pages.merge(assets).layer(from_fn_with_state(place, gate::headers));
        Self { router: whole.with_state(room), hosts: None }
    }
}

async fn show(
    State(room): State<Arc<Room>>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    room.page(&id, &headers, None).await
}

async fn approve(
    State(room): State<Arc<Room>>,
    Segment(id): Segment,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Fault> {
    room.decide(&id, &headers, (APPROVE, &form), Decision::Approve).await
}

async fn refuse(
    State(room): State<Arc<Room>>,
    Segment(id): Segment,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Fault> {
    let reason = form.field("reason").to_owned();
    room.decide(&id, &headers, (REFUSE, &form), Decision::Refuse { reason }).await
}

impl Room {
    async fn page(&self, id: &str, headers: &HeaderMap, wrong: Option<String>) -> Result<Response, Fault> {
        let parsed: ApprovalId = id.parse().map_err(|()| Fault::not_found())?;
        let LoopbackParts { gateway, caller, .. } = &self.parts;
        let approval = gateway.now().approval(caller, parsed).await?.ok_or_else(Fault::not_found)?;
        let before = before(headers)?;
        let answer = Answer {
            approve: self.place.token(&before, APPROVE, id),
            refuse: self.place.token(&before, REFUSE, id),
            shown: approval.digest()?,
            asks_code: true,
            wrong,
        };
        let mut response = approval_page::page(&approval, Some(&answer), Utc::now()).into_response();
        append(&mut response, [cookies::set(Purpose::Before, &before, false)]);
        Ok(response)
    }

    async fn decide(
        &self,
        id: &str,
        headers: &HeaderMap,
        (name, form): (&str, &Form),
        decision: Decision,
    ) -> Result<Response, Fault> {
        let before = cookies::read(headers, Purpose::Before, false);
        if !self.place.is_token(before.as_deref(), name, id, form.field(TOKEN)) {
            return Err(Fault::not_ours());
        }
        let parsed: ApprovalId = id.parse().map_err(|()| Fault::not_found())?;
        let LoopbackParts { gateway, caller, codes, .. } = &self.parts;
        match codes.check(parsed, form.field("code")) {
            Checked::Right => {}
            Checked::Wrong { tries } => return self.page(id, headers, Some(wrong_code(tries))).await,
            Checked::Over => {
                let wrong = "No code is good for this any more: have the change asked for again.";
                return self.page(id, headers, Some(wrong.to_owned())).await;
            }
        }
        match gateway.now().decide(caller, parsed, decision, form.field(SHOWN)).await? {
            Decided::Done(_) | Decided::TooLate(_) => {
                Ok(Redirect::to(&format!("/approvals/{parsed}")).into_response())
            }
            Decided::Unknown => Err(Fault::not_found()),
        }
    }
}

/// What binds forms to this browser, or a new one.
fn before(headers: &HeaderMap) -> Result<String, Fault> {
    match cookies::read(headers, Purpose::Before, false).filter(|before| !before.is_empty()) {
        Some(before) => Ok(before),
        None => random(),
    }
}

fn wrong_code(tries: u8) -> String {
    let more = if tries == 1 { "once more" } else { "again" };
    format!("This is not the code. You can try {more} ({tries} left).")
}
