//! From an answer or a Diagnostic to what goes over the wire. The one file that chooses between a tool result with
//! `isError` and a JSON-RPC error: whatever the caller's statement or arguments did is a result that a model reads;
//! what the protocol or a bug of ours did is an error.

use std::borrow::Cow;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResult, ContentBlock, ErrorCode, JsonObject, MetaObject, ReadResourceResult, ResourceContents,
};
use serde_json::{Value, json};

use super::arguments::suggestion;
use super::splice;
use crate::gateway::{QueryOutput, SchemaResource, invisible};
use crate::pg::{Diagnostic, Source, SqlState};

/// Some clients drop longer error texts.
const ERROR_CHARS: usize = 9_000;

/// Where an application finds the Diagnostic as JSON; see docs/adr/0005-errors-outside-structured-content.md.
const ERROR_META: &str = "pgwarden/error";

pub(super) type ToolReply = Result<CallToolResult, ErrorData>;

pub(super) fn query(output: QueryOutput, result_chars: usize) -> ToolReply {
    match &output.text {
        None => same_as_text(json_text(&output)?, result_chars),
        Some(text) => {
            let structured = serde_json::to_value(&output).map_err(|_| bug(None))?;
            bounded(text.clone(), structured, result_chars)
        }
    }
}

/// The answer of a tool that gives an object.
pub(super) fn object(value: &impl serde::Serialize, result_chars: usize) -> ToolReply {
    same_as_text(json_text(value)?, result_chars)
}

/// A result that a tool wrote itself.
pub(super) fn of_tool(result: Value) -> ToolReply {
    serde_json::from_value(result).map_err(|_| bug(None))
}

/// A refusal or failure of a tool call. `sql` is the caller's statement, for the caret.
pub(super) fn failed(diagnostic: &Diagnostic, sql: &str) -> ToolReply {
    if diagnostic.source == Source::Pgwarden && diagnostic.sqlstate == SqlState::INTERNAL_ERROR {
        return Err(bug(diagnostic.query_id.as_deref()));
    }
    let text: String = invisible::shown(&diagnostic.render(sql)).chars().take(ERROR_CHARS).collect();
    let mut meta = JsonObject::new();
    meta.insert(ERROR_META.to_owned(), json!(diagnostic));
    Ok(CallToolResult::error(vec![ContentBlock::text(text)]).with_meta(Some(MetaObject::from(meta))))
}

/// The rule that refused the call.
pub(super) fn rule(result: &CallToolResult) -> Option<&str> {
    result.meta.as_ref()?.0.get(ERROR_META)?.get("rule")?.as_str()
}

/// The SQLSTATE of a refusal or failure.
pub(super) fn sqlstate(result: &CallToolResult) -> Option<&str> {
    result.meta.as_ref()?.0.get(ERROR_META)?.get("sqlstate")?.as_str()
}

pub(super) fn unknown_tool<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> ErrorData {
    let name: String = name.chars().take(64).collect();
    let hint = suggestion(&name, known).map(|hint| format!("; {hint}")).unwrap_or_default();
    ErrorData::invalid_params(format!("unknown tool `{name}`{hint}"), None)
}

pub(super) fn resource(resource: SchemaResource) -> ReadResourceResult {
    ReadResourceResult::new(vec![
        ResourceContents::text(resource.text, resource.uri).with_mime_type(resource.mime_type),
    ])
}

/// rmcp turns the code into -32602 for peers of 2026-07-28.
pub(super) fn unknown_resource(uri: &str) -> ErrorData {
    let uri: String = uri.chars().take(1_000).collect();
    ErrorData::resource_not_found(format!("resource `{uri}` not found"), Some(json!({"uri": uri})))
}

/// Where a result has no `isError`, as those of resources: the Diagnostic travels in `data`.
pub(super) fn request_failed(diagnostic: &Diagnostic) -> ErrorData {
    if diagnostic.source == Source::Pgwarden && diagnostic.sqlstate == SqlState::INTERNAL_ERROR {
        return bug(diagnostic.query_id.as_deref());
    }
    let code = match diagnostic.source {
        Source::Pgwarden if !diagnostic.retryable => ErrorCode::INVALID_PARAMS,
        Source::Pgwarden | Source::Postgresql | Source::Connection => ErrorCode::INTERNAL_ERROR,
    };
    ErrorData::new(code, diagnostic.message.clone(), Some(json!(diagnostic)))
}

/// A method that this revision has, with parameters that it does not.
pub(super) fn malformed(method: &str, why: &str) -> ErrorData {
    ErrorData::invalid_params(format!("invalid parameters for `{method}`: {why}"), None)
}

pub(super) fn unknown_method(method: String) -> ErrorData {
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None)
}

/// A transport that forgot to say who calls: refuse, never guess.
pub(super) fn no_caller() -> ErrorData {
    bug(None)
}

/// The call began under a token that has ended since. With another one a client begins anew.
pub(super) fn revoked() -> ErrorData {
    let words = "the bearer token of this request was revoked or has expired: its call has ended";
    ErrorData::invalid_request(words, None)
}

/// Nobody reads it but a client that is told of the server's end.
pub(super) fn cancelled() -> ErrorData {
    ErrorData::internal_error("cancelled", None)
}

fn bug(query_id: Option<&str>) -> ErrorData {
    let data = query_id.map(|query_id| json!({"query_id": query_id}));
    ErrorData::internal_error("internal error", data)
}

/// Nothing in it is unseen: names and comments of the database are data as much as its rows.
fn json_text(value: &impl serde::Serialize) -> Result<String, ErrorData> {
    let text = serde_json::to_string(value).map_err(|_| bug(None))?;
    Ok(match invisible::shown_json(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(shown) => shown,
    })
}

/// One JSON text that is also the structuredContent, digit for digit: the edge puts it there (see `splice`).
fn same_as_text(text: String, result_chars: usize) -> ToolReply {
    bounded(text, splice::same_as_text(), result_chars)
}

/// The last guard of the budget: the use cases cut by rows and cells before, so that this does not happen to them.
fn bounded(text: String, structured: Value, result_chars: usize) -> ToolReply {
    if text.len() > result_chars {
        let chars = text.chars().count();
        if chars > result_chars {
            return failed(&too_large(chars, result_chars), "");
        }
    }
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(structured);
    Ok(result)
}

fn too_large(chars: usize, result_chars: usize) -> Diagnostic {
    let message = format!("the answer has {chars} characters, the limit is {result_chars}");
    Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
        .hint("ask for fewer columns, rows or relations at a time")
}
