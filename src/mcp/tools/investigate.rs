//! The tool `investigate`: the client's own model looks for the answer to a question, next to the data (sampling with
//! tools, SEP-1577).
//!
//! It is there for clients alone that can be asked so. What the model wants is called under the caller's policy, by the same
//! use cases as the tools of the same names.

mod bounds;
mod conversation;
mod findings;
mod inner;
mod instruction;
mod kept;
mod round;

use std::pin::pin;

use rmcp::ErrorData;
use rmcp::model::Tool;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

pub use bounds::Bounds;

use self::conversation::{Conversation, Ending};
use self::kept::Kept;
use super::{Call, Called, database_property, reading};
use crate::mcp::elicitation::Way;
use crate::mcp::reply;
use crate::mcp::sampling::{self, Answer};
use crate::mcp::tasks::progress;
use crate::pg::{Diagnostic, SqlState};

pub(in crate::mcp) const NAME: &str = "investigate";

/// Bytes of a question: it is kept, and goes to the model in every round.
const QUESTION_BYTES: usize = 16 * 1024;

const DESCRIPTION: &str = "Answers a question about a PostgreSQL database: your model looks for it here, with read-only tools. \
    Findings come with the statements that they rest on.";

/// Of one server.
#[derive(Debug, Default)]
pub(in crate::mcp) struct Investigations {
    pub(in crate::mcp) bounds: Bounds,
    kept: Kept,
}

impl Investigations {
    pub(in crate::mcp) fn new(bounds: Bounds) -> Self {
        Self { bounds, kept: Kept::default() }
    }
}

/// What the call came with.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Asked {
    question: String,
    database: Option<String>,
}

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "question": {"type": "string", "description": "With all that the model has to know."},
            "database": database_property(databases),
        },
        "required": ["question"],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {
            "status": {"type": "string", "description": "complete or incomplete."},
            "findings": {"type": "string"},
            "evidence": {"type": "array", "items": {"type": "object"}},
            "bound": {"type": "string", "description": "What ended it early."},
        },
        "required": ["status", "findings", "evidence"],
    });
    reading(NAME, "Investigate a question", DESCRIPTION.to_owned(), input, output)
}

pub(super) async fn call(call: Call<'_>) -> Result<Called, ErrorData> {
    let Some(way) = sampling::way(call.handler, call.cx) else {
        return Err(call.handler.unknown_tool(NAME));
    };
    match begun(&call) {
        Ok((conversation, heard)) => go(&call, way, conversation, heard).await,
        Err(refusal) => reply::failed(&refusal, "").map(Called::Reply),
    }
}

/// A new conversation, or the one that the client goes on with and what its model said.
fn begun(call: &Call<'_>) -> Result<(Conversation, Option<Value>), Diagnostic> {
    let arguments = call.arguments()?;
    let asked =
        Asked { question: arguments.required_text("question")?, database: arguments.text("database")? };
    let Investigations { bounds, kept } = &*call.handler.investigations;
    let Some(state) = &call.resumed.state else {
        if asked.question.trim().is_empty() {
            let message = "argument `question` of `investigate` is empty";
            return Err(
                Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message).hint("ask a question")
            );
        }
        if asked.question.len() > QUESTION_BYTES {
            let message =
                format!("argument `question` of `investigate` has more than {QUESTION_BYTES} bytes");
            return Err(
                Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message).hint("ask more briefly")
            );
        }
        let database = asked.database.as_deref();
        // Refuses here what every call would refuse.
        call.gateway().characters(call.caller, database)?;
        let tools = inner::tools(call.gateway(), call.caller, database);
        return Ok((Conversation::begin(asked, tools, bounds), None));
    };
    let Some(response) = call.resumed.responses.get(sampling::KEY) else {
        let message = format!("`inputResponses` has no `{}`", sampling::KEY);
        return Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
            .hint("answer the request of the last result under its key"));
    };
    let conversation = kept.take(call.caller, state, &asked).ok_or_else(unknown)?;
    Ok((conversation, Some(response.clone())))
}

/// Another's, used, too old, of another question, of another replica: all the same.
fn unknown() -> Diagnostic {
    let message = "no investigation waits under this `requestState`: it is used once, with the arguments that it began with, \
        by who began it, on the server that gave it, while its time lasts";
    Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
        .rule("investigate.state")
        .hint("call again without `requestState`")
}

async fn go(
    call: &Call<'_>,
    way: Way,
    mut conversation: Conversation,
    mut heard: Option<Value>,
) -> Result<Called, ErrorData> {
    let Investigations { bounds, kept } = &*call.handler.investigations;
    let mut told = call.cx.meta.get_progress_token().map(progress::Told::new);
    loop {
        let is_over = Instant::now() >= conversation.ends;
        if let Some(response) = heard.take() {
            let answer = Answer::read(&response);
            let under = conversation.asked_under;
            let cut = answer.as_ref().is_some_and(|answer| answer.cut);
            let Some(uses) = answer.map(|answer| conversation.hear(answer)) else {
                return end(call, &conversation, Some(Ending::Answer));
            };
            if uses.is_empty() || under.is_some() {
                let cut = (uses.is_empty() && cut).then_some(Ending::TokensOfARound);
                return end(call, &conversation, cut.or(under));
            }
            if !is_over {
                run(call, &mut conversation, uses).await;
            }
        }
        if call.cancel.is_cancelled() {
            return Err(reply::cancelled());
        }
        if Instant::now() >= conversation.ends {
            return end(call, &conversation, Some(Ending::Time));
        }
        if conversation.is_spent() {
            return end(call, &conversation, Some(Ending::Tokens));
        }
        let question = conversation.question(bounds);
        if let Some(told) = &mut told {
            let message = format!("round {} of {} at most", conversation.rounds, bounds.rounds);
            told.tell(&call.cx.peer, 0, message).await;
        }
        if way == Way::Retry {
            return match kept.put(call.caller, conversation, bounds) {
                Ok(state) => sampling::input_required(question, state).map(Called::Asks),
                Err(refusal) => reply::failed(&refusal, "").map(Called::Reply),
            };
        }
        let over = async {
            tokio::select! {
                () = call.cancel.cancelled() => {}
                () = sleep_until(conversation.ends) => {}
            }
        };
        heard = sampling::ask(&call.cx.peer, question, over).await;
        if heard.is_none() && !call.cancel.is_cancelled() {
            let is_over = Instant::now() >= conversation.ends;
            return end(call, &conversation, Some(if is_over { Ending::Time } else { Ending::Answer }));
        }
    }
}

/// One round. What runs when the time is over is cancelled in PostgreSQL.
async fn run(call: &Call<'_>, conversation: &mut Conversation, uses: Vec<(String, sampling::ToolUse)>) {
    let (stop, ends) = (call.cancel.child_token(), conversation.ends);
    let mut running = pin!(round::run(call, conversation, uses, &stop));
    tokio::select! {
        biased;
        () = &mut running => return,
        () = sleep_until(ends) => stop.cancel(),
    }
    running.await;
}

fn end(call: &Call<'_>, conversation: &Conversation, ending: Option<Ending>) -> Result<Called, ErrorData> {
    let most = call.gateway().characters(call.caller, conversation.asked.database.as_deref());
    let most = most.map(|most| most.min(call.handler.result_chars));
    match most {
        Ok(most) => {
            let bounds = &call.handler.investigations.bounds;
            let found = findings::of(conversation, ending, bounds, most);
            reply::object(&found, most).map(Called::Reply)
        }
        Err(refusal) => reply::failed(&refusal, "").map(Called::Reply),
    }
}
