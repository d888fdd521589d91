//! Sends the person to the page where they approve, if their client can, and waits for their word.

use std::time::Duration;

use rmcp::ErrorData;

use super::{PATIENCE, shown};
use crate::approvals::ApprovalState;
use crate::gateway::{ApprovalView, ExecuteRequest, invisible};
use crate::mcp::approval_page::{Link, Matter};
use crate::mcp::elicitation::{self, Opened, Way};
use crate::mcp::reply;
use crate::mcp::standing::Standing;
use crate::mcp::tools::{Call, Called};

pub(super) async fn person(call: &Call<'_>, approval: &ApprovalView) -> Result<Called, ErrorData> {
    let way = Way::of(call.handler, call.cx);
    let link = match way {
        Some(_) => call.handler.page.for_person(Matter::Approval(approval.id)).await,
        None => None,
    };
    match (way, link) {
        (Some(Way::Retry), Some(link)) => {
            let (matter, state) = (Matter::Approval(approval.id), approval.id.to_string());
            elicitation::input_required(matter, &link, &question(approval), state).map(Called::Asks)
        }
        (Some(Way::Push), Some(link)) => push(call, approval, &link).await.map(Called::Reply),
        _ => shown::waiting(call, approval, Opened::Yes).map(Called::Reply),
    }
}

/// Waits until it is decided, the person does not want to, or the call's patience is over.
async fn push(call: &Call<'_>, approval: &ApprovalView, link: &Link) -> reply::ToolReply {
    tell_when_decided(call, approval);
    let (gateway, caller, id) = (call.gateway(), call.caller, approval.id);
    let mut decided = std::pin::pin!(gateway.await_approval(caller, id, PATIENCE, call.cancel));
    let question = question(approval);
    let asking = elicitation::ask(&call.cx.peer, Matter::Approval(id), link, &question);
    let seen = tokio::select! {
        seen = &mut decided => seen,
        // They may have opened it all the same: the record says.
        opened = asking => match opened {
            Opened::Yes => decided.await,
            Opened::No => return shown::waiting(call, approval, Opened::No),
        },
    };
    match seen {
        Ok(Some(seen)) if seen.state == ApprovalState::Pending => shown::waiting(call, &seen, Opened::Yes),
        Ok(_) => {
            let request = ExecuteRequest::Approved { id, again: None };
            match gateway.execute(caller, request, Duration::ZERO, call.cancel).await {
                Ok(executed) => shown::reply(call, executed, Opened::Yes),
                Err(diagnostic) => reply::failed(&diagnostic, ""),
            }
        }
        Err(diagnostic) => reply::failed(&diagnostic, ""),
    }
}

/// `notifications/elicitation/complete`, also after the call has answered, as long as the client is there.
fn tell_when_decided(call: &Call<'_>, approval: &ApprovalView) {
    // It lasts as long as the approval.
    let gateway = call.handler.standby().idle().gateway.clone();
    let (caller, peer) = (call.caller.clone(), call.cx.peer.clone());
    let (stop, standing, id) = (call.handler.calls.stop.clone(), Standing::of(call.cx), approval.id);
    tokio::spawn(async move {
        let wait = gateway.approval_settings().ttl;
        let decided = gateway.await_approval(&caller, id, wait, &stop);
        tokio::select! {
            seen = decided => {
                if matches!(seen, Ok(Some(seen)) if seen.state != ApprovalState::Pending) {
                    elicitation::complete(&peer, Matter::Approval(id)).await;
                }
            }
            () = standing.lost() => {}
        }
    });
}

/// Names are the database's: nothing in them is unseen.
fn question(approval: &ApprovalView) -> String {
    let what = format!("{} of {} in database {}", approval.kind, approval.relation, approval.database);
    format!(
        "A program wants to write: {}. Look at the whole statement, then approve or refuse it.",
        invisible::shown_line(&what)
    )
}
