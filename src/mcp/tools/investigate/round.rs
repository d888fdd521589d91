//! One round: the calls that the model wants, under the caller's policy, one after the other.

use serde_json::Value;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::conversation::{Conversation, Told};
use super::findings::Evidence;
use super::{Investigations, inner, instruction};
use crate::gateway::{
    DescribeRequest, ExplainRequest, QueryOutput, QueryRequest, SearchRequest, as_data, invisible, printed,
};
use crate::mcp::arguments::Arguments;
use crate::mcp::sampling::ToolUse;
use crate::mcp::tools::Call;
use crate::pg::{Diagnostic, Source, SqlState};

/// Characters of a refusal.
const REFUSAL_CHARS: usize = 2_000;
/// A result of fewer characters tells nothing.
const LEAST_ROOM: usize = 200;
/// Characters of a token, roughly.
const TOKEN_CHARS: usize = 4;

/// Answers every one of `uses`. What `stop` interrupts is answered, too.
pub(super) async fn run(
    call: &Call<'_>,
    conversation: &mut Conversation,
    uses: Vec<(String, ToolUse)>,
    stop: &CancellationToken,
) {
    let Investigations { bounds, .. } = &*call.handler.investigations;
    let mut told = Vec::with_capacity(uses.len());
    for (at, (id, used)) in uses.into_iter().enumerate() {
        let room = conversation.room(bounds);
        let answer = match (conversation.tool(&used.name).cloned(), used.input) {
            _ if at >= bounds.calls_a_round => refused(instruction::TOO_MANY),
            (None, _) => refused(instruction::UNKNOWN_TOOL),
            (_, None) => refused(instruction::MALFORMED),
            _ if stop.is_cancelled() => refused(instruction::OVER),
            _ if room < LEAST_ROOM => {
                conversation.spend(room);
                refused(instruction::NO_ROOM)
            }
            (Some(tool), Some(input)) => {
                conversation.calls = conversation.calls.saturating_add(1);
                match Arguments::read(&tool, Some(input)) {
                    Ok(arguments) => made(call, conversation, &arguments, room, stop).await,
                    Err(refusal) => failed(&refusal, "", room),
                }
            }
        };
        conversation.spend(answer.text.chars().count());
        told.push((id, answer));
    }
    conversation.answer(told);
}

async fn made(
    call: &Call<'_>,
    conversation: &mut Conversation,
    arguments: &Arguments<'_>,
    room: usize,
    stop: &CancellationToken,
) -> Told {
    let sql = arguments.text("sql").ok().flatten().unwrap_or_default();
    let made = match arguments.tool().name.as_ref() {
        "query" => queried(call, conversation, arguments, room, stop).await,
        other => looked(call, conversation, other, arguments, room, stop).await,
    };
    made.map_or_else(|refusal| failed(&refusal, &sql, room), |text| Told { text, is_error: false })
}

async fn queried(
    call: &Call<'_>,
    conversation: &mut Conversation,
    arguments: &Arguments<'_>,
    room: usize,
    stop: &CancellationToken,
) -> Result<String, Diagnostic> {
    let request = QueryRequest {
        sql: arguments.required_text("sql")?,
        params: arguments.nullable_texts("params")?,
        database: conversation.asked.database.clone(),
        ..QueryRequest::default()
    };
    inner::permitted(call, conversation, "query")?;
    let sql = printed(&request.sql);
    let output = call.gateway().query(call.caller, request, stop).await?;
    let text = lines(&output, room)?;
    conversation.evidence.push(Evidence {
        sql: sql?,
        row_count: output.row_count,
        next_cursor: output.next_cursor,
    });
    Ok(text)
}

/// The tools that answer with an object.
async fn looked(
    call: &Call<'_>,
    conversation: &Conversation,
    tool: &str,
    arguments: &Arguments<'_>,
    room: usize,
    stop: &CancellationToken,
) -> Result<String, Diagnostic> {
    let database = conversation.asked.database.clone();
    let (gateway, caller) = (call.gateway(), call.caller);
    inner::permitted(call, conversation, tool)?;
    let object = match tool {
        "search_objects" => {
            let query = arguments.text("query")?.unwrap_or_default();
            let tokens = u64::try_from(room / TOKEN_CHARS).ok();
            let request = SearchRequest { query, database, tokens, ..SearchRequest::default() };
            gateway.search_objects(caller, request, stop).await?.0
        }
        "describe" => {
            let relations = arguments.texts("relations")?;
            let request = DescribeRequest { database, relations, ..DescribeRequest::default() };
            gateway.describe(caller, request, stop).await?.0
        }
        "explain" => {
            let sql = arguments.required_text("sql")?;
            let request = ExplainRequest { database, sql, ..ExplainRequest::default() };
            gateway.explain(caller, request, stop).await?.0
        }
        _ => return Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, instruction::UNKNOWN_TOOL)),
    };
    shown(&object, room)
}

/// A line of names, then a line for each row, as many as there is room for.
fn lines(output: &QueryOutput, room: usize) -> Result<String, Diagnostic> {
    let names: Vec<&str> = output.columns.iter().map(|column| column.name.as_str()).collect();
    let rows: Vec<&RawValue> = serde_json::from_str(output.rows.get())
        .map_err(|_| Diagnostic::refused(SqlState::INTERNAL_ERROR, "the rows cannot be read again"))?;
    let mut text = invisible::shown_json(&serde_json::json!(names).to_string()).into_owned();
    let (mut used, mut taken) = (text.chars().count(), 0_usize);
    for row in &rows {
        used = used.saturating_add(row.get().chars().count()).saturating_add(1);
        if used > room {
            break;
        }
        text.push('\n');
        text.push_str(row.get());
        taken = taken.saturating_add(1);
    }
    let count = output.row_count;
    let note = match output.truncated_reason.is_some() || taken < rows.len() {
        true => format!("{taken} of {count} or more rows are shown: aggregate, or narrow the WHERE"),
        false => format!("{count} rows"),
    };
    Ok(format!("{}({note})", as_data(&text)?))
}

fn shown(object: &Value, room: usize) -> Result<String, Diagnostic> {
    let text = object.to_string();
    let text = invisible::shown_json(&text);
    let cut: String = text.chars().take(room).collect();
    let note = if cut.len() < text.len() { "(cut: ask for less at a time)" } else { "" };
    Ok(format!("{}{note}", as_data(&cut)?))
}

fn refused(words: &str) -> Told {
    Told { text: words.to_owned(), is_error: true }
}

/// As a client reads it of the tool itself, in at most `room` characters.
fn failed(refusal: &Diagnostic, sql: &str, room: usize) -> Told {
    if refusal.source == Source::Pgwarden && refusal.sqlstate == SqlState::INTERNAL_ERROR {
        return refused("internal error");
    }
    let text = invisible::shown(&refusal.render(sql)).chars().take(room.min(REFUSAL_CHARS)).collect();
    Told { text, is_error: true }
}
