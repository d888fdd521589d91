//! Sends a person to a page (SEP-1036, URL mode): by a request of ours while a call waits, or, from 2026-07-28 on, by a
//! result that the client answers with the same call.
//!
//! What the client says of it decides nothing: what a person has done on the page is read from the record alone.

use std::collections::BTreeMap;

use rmcp::model::{
    CustomNotification, CustomRequest, InputRequests, InputRequiredResult, ServerNotification, ServerRequest,
};
use rmcp::service::{Peer, RequestContext};
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::approval_page::{Link, Matter};
use super::handler::Handler;
use super::reply;
use crate::auth::CredentialId;

/// Before the name of a login that a call waits for, in the state that comes back with it.
const LOGIN: &str = "login.";

/// How a client is asked for something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// By a request, while its call waits.
    Push,
    /// By a result, after which it calls again.
    Retry,
}

/// What the client did with the link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opened {
    /// The person said that they would open it.
    Yes,
    /// They said no, or closed the question.
    No,
}

/// A call that was made again, with what the client was given and asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Resumed {
    pub(super) state: Option<String>,
    pub(super) responses: BTreeMap<String, Value>,
}

impl Way {
    /// `None`: the client has not declared the URL mode, or nothing can be asked of it.
    pub(super) fn of(handler: &Handler, cx: &RequestContext<RoleServer>) -> Option<Self> {
        cx.client_capabilities()?.elicitation?.url?;
        let stateless = cx.protocol_version().is_some_and(|revision| !revision.has_initialize());
        match stateless {
            true => Some(Self::Retry),
            false => handler.pushes().then_some(Self::Push),
        }
    }
}

impl Resumed {
    /// What became of the link to `matter`.
    pub(super) fn opened(&self, matter: Matter) -> Opened {
        opened(self.responses.get(matter.word()))
    }

    /// The state of a call that waits for a login first: what it had before follows.
    pub(super) fn waiting_for(&self, login: CredentialId) -> String {
        let before = self.state.iter().map(|state| format!(".{state}"));
        format!("{LOGIN}{login}{}", before.collect::<String>())
    }

    /// The login that the call waited for, and the call as it was before that.
    pub(super) fn after_login(self) -> (Option<CredentialId>, Self) {
        let Some(rest) = self.state.as_deref().and_then(|state| state.strip_prefix(LOGIN)) else {
            return (None, self);
        };
        let (login, before) = match rest.split_once('.') {
            Some((login, before)) => (login, Some(before.to_owned())),
            None => (rest, None),
        };
        (login.parse().ok(), Self { state: before, ..self })
    }
}

/// The result that asks the client. `state` comes back with the next call, and from anywhere else as well: it names what is
/// found for the person alone who asked for it.
pub(super) fn input_required(
    matter: Matter,
    link: &Link,
    message: &str,
    state: String,
) -> Result<InputRequiredResult, ErrorData> {
    let params = params(matter, link, message);
    let request = json!({matter.word(): {"method": "elicitation/create", "params": params}});
    let requests: InputRequests = serde_json::from_value(request).map_err(|_| reply::cancelled())?;
    Ok(InputRequiredResult::new(Some(requests), Some(state)))
}

/// Asks, and waits for what the client says. An error of its is as good as no.
pub(super) async fn ask(peer: &Peer<RoleServer>, matter: Matter, link: &Link, message: &str) -> Opened {
    let request = CustomRequest::new("elicitation/create", Some(params(matter, link, message)));
    match peer.send_request(ServerRequest::CustomRequest(request)).await {
        Ok(response) => opened(Some(&json!(response))),
        Err(_) => Opened::No,
    }
}

/// It is done: the client may close what it shows.
pub(super) async fn complete(peer: &Peer<RoleServer>, matter: Matter) {
    let params = json!({"elicitationId": matter.id()});
    let notification = CustomNotification::new("notifications/elicitation/complete", Some(params));
    // A client that does not listen misses nothing else.
    let _ = peer.send_notification(ServerNotification::CustomNotification(notification)).await;
}

fn params(matter: Matter, link: &Link, message: &str) -> Value {
    let message = match &link.code {
        Some(code) => format!("{message} The page asks for this code: {}", **code),
        None => message.to_owned(),
    };
    json!({"mode": "url", "message": message, "url": link.url, "elicitationId": matter.id()})
}

fn opened(response: Option<&Value>) -> Opened {
    match response.and_then(|response| response.get("action")).and_then(Value::as_str) {
        Some("decline" | "cancel") => Opened::No,
        _ => Opened::Yes,
    }
}
