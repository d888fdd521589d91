//! What the forms of the first page do. Each has the token of its session, and each is an event with its operator's name.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::Room;
use super::door::Operator;
use super::sessions::Said;
use super::suspended::TIMES;
use crate::gateway::{Acted, Stoppable};
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
    let acted = room.gateway.now().stop(&operator.caller, what).await?;
    let said = said(acted, "It is cancelled", "it is no longer running");
    Ok(done(&room, &operator, said).await)
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
        Ok(acted) => {
            let said = said(acted, &format!("Suspended: {shown}"), "it was suspended already");
            Ok(done(&room, &operator, said).await)
        }
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
    let acted = room.gateway.now().resume(&operator.caller, &of).await;
    // A refusal is told of on the page too.
    room.watch.forget().await;
    let acted = acted?;
    let said = said(acted, &format!("Resumed: {of}"), &format!("{of} is not suspended"));
    Ok(done(&room, &operator, said).await)
}

fn read(text: &str) -> Result<Suspended, Fault> {
    serde_json::from_str(text).map_err(|_| unreadable())
}

fn said(acted: Acted, done: &str, nothing: &str) -> Said {
    match acted {
        Acted::Recorded => Said { words: format!("{done}."), warns: false },
        Acted::Unrecorded => Said {
            words: format!("{done}. It is done, but not recorded: the audit log cannot be written."),
            warns: true,
        },
        Acted::Nothing => Said { words: format!("Nothing to do: {nothing}."), warns: true },
    }
}

fn unreadable() -> Fault {
    Fault::bad_request("There is nothing of that kind.")
}

async fn done(room: &Room, operator: &Operator, said: Said) -> Response {
    room.sessions.say(&operator.secret, said);
    room.watch.forget().await;
    Redirect::to("/").into_response()
}
