//! What `execute` answers.

use chrono::Utc;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::approvals::ApprovalRule;
use crate::gateway::{ApprovalView, ColumnHeader, Executed, QueryOutput, Written};
use crate::mcp::approval_page::Matter;
use crate::mcp::elicitation::Opened;
use crate::mcp::reply::{self, ToolReply};
use crate::mcp::tools::Call;

#[derive(Serialize)]
struct Done<'w> {
    status: &'static str,
    kind: &'static str,
    relation: String,
    /// That were changed.
    rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<Returned<'w>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notices: &'w [String],
}

#[derive(Serialize)]
struct Required {
    status: &'static str,
    approval_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Seconds.
    expires_in: i64,
    message: String,
    next: String,
}

/// The rows of RETURNING.
#[derive(Serialize)]
struct Returned<'w> {
    columns: &'w [ColumnHeader],
    rows: &'w RawValue,
    row_count: u64,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated_reason: Option<&'w str>,
}

pub(super) fn reply(call: &Call<'_>, executed: Executed, opened: Opened) -> ToolReply {
    match executed {
        Executed::Done(written) => done(call, &written),
        Executed::Waiting(approval) => waiting(call, &approval, opened),
    }
}

fn done(call: &Call<'_>, written: &Written) -> ToolReply {
    let done = Done {
        status: "done",
        kind: written.kind.word(),
        relation: written.relation.to_string(),
        rows: written.rows,
        returned: written.returned.as_ref().map(returned),
        notices: &written.notices,
    };
    reply::object(&done, call.handler.result_chars)
}

fn returned(output: &QueryOutput) -> Returned<'_> {
    Returned {
        columns: &output.columns,
        rows: &output.rows,
        row_count: output.row_count,
        truncated: output.truncated,
        truncated_reason: output.truncated_reason.as_deref(),
    }
}

/// Nobody has decided yet.
pub(super) fn waiting(call: &Call<'_>, approval: &ApprovalView, opened: Opened) -> ToolReply {
    let id = approval.id.to_string();
    let seconds = (approval.expires - Utc::now()).num_seconds().max(0);
    let who = match approval.rule {
        ApprovalRule::Requester => "the user has to approve this write",
        ApprovalRule::Approver => "somebody who may approve writes has to approve this one",
        ApprovalRule::Two => "two people have to approve this write",
    };
    let message = match opened {
        Opened::Yes => format!("nothing is written yet: {who}"),
        Opened::No => format!("nothing is written: the user did not open the page; {who}"),
    };
    let link = call.handler.page.for_anybody(Matter::Approval(approval.id));
    let next = match &link {
        Some(_) => {
            "show the user the url; once it is approved there, call execute with approval_id".to_owned()
        }
        None => format!(
            "tell the user to run `pgwarden approve {id}` at a terminal; once it is approved, call execute with approval_id"
        ),
    };
    let required = Required {
        status: "approval_required",
        approval_id: id,
        url: link.map(|link| link.url),
        expires_in: seconds,
        message,
        next,
    };
    reply::object(&required, call.handler.result_chars)
}
