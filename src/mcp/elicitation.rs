//! Sends a person to a page (SEP-1036, URL mode): by a request of ours while a call waits, or, from 2026-07-28 on, by a
//! result that the client answers with the same call.
//!
//! What the client says of it decides nothing: whether somebody has approved is read from the record alone.

use std::collections::BTreeMap;

use rmcp::model::{
    CustomNotification, CustomRequest, InputRequests, InputRequiredResult, ServerNotification, ServerRequest,
};
use rmcp::service::{Peer, RequestContext};
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::approval_page::Link;
use super::handler::Handler;
use super::reply;
use crate::approvals::ApprovalId;

/// The name of the one thing that is asked.
const KEY: &str = "approval";

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
    pub(super) fn opened(&self) -> Opened {
        opened(self.responses.get(KEY))
    }
}

/// The result that asks the client. `state` comes back with the next call, and from anywhere else as well: it is the name
/// of the approval, which is found for the person alone who asked for it.
pub(super) fn input_required(
    id: ApprovalId,
    link: &Link,
    message: &str,
) -> Result<InputRequiredResult, ErrorData> {
    let request = json!({KEY: {"method": "elicitation/create", "params": params(id, link, message)}});
    let requests: InputRequests = serde_json::from_value(request).map_err(|_| reply::cancelled())?;
    Ok(InputRequiredResult::new(Some(requests), Some(id.to_string())))
}

/// Asks, and waits for what the client says. An error of its is as good as no.
pub(super) async fn ask(peer: &Peer<RoleServer>, id: ApprovalId, link: &Link, message: &str) -> Opened {
    let request = CustomRequest::new("elicitation/create", Some(params(id, link, message)));
    match peer.send_request(ServerRequest::CustomRequest(request)).await {
        Ok(response) => opened(Some(&json!(response))),
        Err(_) => Opened::No,
    }
}

/// It is decided: the client may close what it shows.
pub(super) async fn complete(peer: &Peer<RoleServer>, id: ApprovalId) {
    let params = json!({"elicitationId": id.to_string()});
    let notification = CustomNotification::new("notifications/elicitation/complete", Some(params));
    // A client that does not listen misses nothing else.
    let _ = peer.send_notification(ServerNotification::CustomNotification(notification)).await;
}

fn params(id: ApprovalId, link: &Link, message: &str) -> Value {
    let message = match &link.code {
        Some(code) => format!("{message} The page asks for this code: {}", **code),
        None => message.to_owned(),
    };
    json!({"mode": "url", "message": message, "url": link.url, "elicitationId": id.to_string()})
}

fn opened(response: Option<&Value>) -> Opened {
    match response.and_then(|response| response.get("action")).and_then(Value::as_str) {
        Some("decline" | "cancel") => Opened::No,
        _ => Opened::Yes,
    }
}
