//! What the forms of the first page do. Each has the token of its session, and each is an event with its operator's name.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::Room;
use super::door::Operator;
use super::suspended::TIMES;
use crate::gateway::Stoppable;
use crate::store::suspensions::Suspended;
use crate::web::fault::Fault;
use crate::web::form::Form;

/// Names of the forms in their tokens.
pub(super) const CANCEL: &str = "operations cancel";
pub(super) const SUSPEND: &str = "operations suspend";
pub(super) const RESUME: &str = "operations resume";

pub(super) async fn cancel(
    State(room): State<Arc<Room>>,
    operator: Operator,
    form: Form,
) -> Result<Response, Fault> {
    operator.sent(&room, CANCEL, &form)?;
    let what: Stoppable = form.field("what").parse().map_err(|()| unreadable())?;
    let words = match room.gateway.now().stop(&operator.caller, what).await? {
        true => "It is cancelled.",
        false => "It had ended already.",
    };
    Ok(done(&room, &operator, words.to_owned()).await)
}

pub(super) async fn suspend(
    State(room): State<Arc<Room>>,
    operator: Operator,
    form: Form,
) -> Result<Response, Fault> {
    operator.sent(&room, SUSPEND, &form)?;
    let of = match form.field("what") {
        "caller" => {
            let text = |name| Some(form.field(name).trim()).filter(|text| !text.is_empty());
            let subject = text("subject").ok_or_else(|| Fault::bad_request("Say which caller."))?;
            Suspended::Caller { subject: subject.to_owned(), issuer: text("issuer").map(str::to_owned) }
        }
        other => read(other)?,
    };
    let time = TIMES.iter().find(|(name, _, _)| *name == form.field("time")).ok_or_else(unreadable)?;
    let (shown, time) = (of.to_string(), time.2.map(Duration::from_secs));
    match room.gateway.now().suspend(&operator.caller, of, form.field("reason"), time).await {
        Ok(()) => Ok(done(&room, &operator, format!("Suspended: {shown}.")).await),
        // A reason or a name that cannot be taken.
        Err(refusal) if refusal.sqlstate.class() == "22" || refusal.sqlstate.class() == "42" => {
            Err(Fault::bad_request(format!("Nothing was suspended: {}.", refusal.message)))
        }
        Err(fault) => Err(fault.into()),
    }
}

pub(super) async fn resume(
    State(room): State<Arc<Room>>,
    operator: Operator,
    form: Form,
) -> Result<Response, Fault> {
    operator.sent(&room, RESUME, &form)?;
    let of = read(form.field("what"))?;
    let words = match room.gateway.now().resume(&operator.caller, &of).await? {
        true => format!("Resumed: {of}."),
        false => format!("{of} was not suspended any more."),
    };
    Ok(done(&room, &operator, words).await)
}

fn read(text: &str) -> Result<Suspended, Fault> {
    serde_json::from_str(text).map_err(|_| unreadable())
}

fn unreadable() -> Fault {
    Fault::bad_request("There is nothing of that kind.")
}

async fn done(room: &Room, operator: &Operator, words: String) -> Response {
    room.sessions.say(&operator.secret, words);
    room.watch.forget().await;
    Redirect::to("/").into_response()
}
