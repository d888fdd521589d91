//! What the use cases take and give: plain values that `mcp` turns into tool arguments and results.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::db::StatementOrder;
use crate::tasks::{State, TaskId};

/// How rows are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `columns` once, `rows` as arrays.
    #[default]
    Json,
    /// RFC 4180, header line first.
    Csv,
    /// A GitHub-flavoured table.
    Markdown,
}

/// The tool `query`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct QueryRequest {
    pub sql: String,
    /// For `$1`, `$2`, ..: text that PostgreSQL reads as the parameter's type; `None` is NULL.
    pub params: Vec<Option<String>>,
    /// A database's name in the configuration; `None` where there is only one.
    pub database: Option<String>,
    /// Rows at the most; capped by the configuration.
    pub limit: Option<u64>,
    pub format: Format,
    /// The saved query that it is; `None` for a statement of the caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<SavedRun>,
}

/// What a run of a saved query says besides its rows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SavedRun {
    pub name: String,
    /// The tool that was called, and reads on.
    pub tool: String,
    pub notes: Option<String>,
}

/// What a call to `query` came to.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The rows, or the first page of them.
    Rows(QueryOutput),
    /// It takes longer than the caller waits, and goes on.
    Task(TaskView),
    /// The result of another tool's work, as that tool wrote it.
    Result(Value),
}

/// A task as its owner sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskView {
    pub id: TaskId,
    pub state: State,
    /// What it is doing.
    pub message: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub ttl: Duration,
    /// How often its owner should ask.
    pub poll_interval: Duration,
    /// What it asks its owner's client for, by key: requests as JSON. It waits while there are any.
    pub pending: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ColumnHeader {
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
}

/// The answer of `query`. As JSON it is the tool's structuredContent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QueryOutput {
    pub columns: Vec<ColumnHeader>,
    /// An array of arrays, encoded while it streamed. Empty array where the format is not JSON.
    pub rows: Box<RawValue>,
    pub row_count: u64,
    pub truncated: bool,
    /// What cut it and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated_reason: Option<String>,
    /// The next page's name, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    pub notices: Vec<String>,
    /// The CSV or Markdown text, where asked for; then this is the text block instead of the JSON.
    #[serde(skip)]
    pub text: Option<String>,
}

/// The tool `search_objects`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SearchRequest {
    /// Words, a question or a pattern such as `shop.order*`; empty lists everything.
    pub query: String,
    pub database: Option<String>,
    pub schema: Option<String>,
    /// Hits at the most.
    pub limit: Option<u64>,
    /// Hits to leave out, for those behind them.
    pub offset: u64,
    /// `None`: what matched.
    pub detail: Option<SearchDetail>,
    /// Of the answer, in tokens of a language model, roughly.
    pub tokens: Option<u64>,
}

/// How much a hit says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SearchDetail {
    Names,
    /// What `describe` says.
    Full,
}

/// The answer of `search_objects`: an object `{"objects": [..], "total": n, "truncated": bool}`, with `next_offset` where
/// there is more; the overview has `schemas` instead, each with a line for each relation, `legend` and `detail`.
#[derive(Debug)]
pub struct SearchOutput(pub serde_json::Value);

/// The tool `describe`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DescribeRequest {
    pub database: Option<String>,
    /// Each as `schema.name`, or a bare name by the search path.
    pub relations: Vec<String>,
    /// Of each relation.
    pub sample_rows: u64,
    /// With what PostgreSQL's statistics say of each column.
    pub profile: bool,
}

/// The answer of `describe`: an object `{"relations": [..]}`.
#[derive(Debug)]
pub struct Described(pub serde_json::Value);

/// The tool `database_health`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HealthRequest {
    pub database: Option<String>,
    /// Names of checks; empty for all.
    pub checks: Vec<String>,
}

/// The answer of `database_health`: an object `{"findings": [..], "total": n, "truncated": bool, "clean": [..]}`, with
/// `unchecked` where something could not be looked at.
#[derive(Debug)]
pub struct HealthReport(pub serde_json::Value);

/// The tool `explain`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExplainRequest {
    /// One query, with or without EXPLAIN before it.
    pub sql: String,
    /// `CREATE INDEX ..`: supposed to exist.
    pub indexes: Vec<String>,
    /// Run it, too.
    pub analyze: bool,
    /// EXPLAIN's own document instead of the tree.
    pub document: bool,
    pub database: Option<String>,
}

/// The answer of `explain`: an object `{"plan": .., "rows": n, "cost": n, "findings": [..]}`; with hypothetical indexes
/// `cost_before` and `indexes` too.
#[derive(Debug)]
pub struct ExplainOutput(pub serde_json::Value);

/// The tool `advise_indexes`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdviseRequest {
    /// Queries; none for those that pg_stat_statements has counted.
    pub statements: Vec<String>,
    /// Of all new indexes together.
    pub megabytes: Option<u64>,
    pub database: Option<String>,
}

/// The answer of `advise_indexes`: an object `{"indexes": [..], "statements": [..], "cost_before": n, "cost_after": n,
/// "complete": bool, ..}`.
#[derive(Debug)]
pub struct Advice(pub serde_json::Value);

/// The tool `top_queries`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TopQueriesRequest {
    pub database: Option<String>,
    pub by: StatementOrder,
    /// Statements at the most.
    pub limit: Option<u64>,
}

/// The answer of `top_queries`: an object `{"by": "..", "queries": [..], "truncated": bool}`.
#[derive(Debug)]
pub struct TopQueries(pub serde_json::Value);

/// One resource as the caller sees it: a part of the schema, or what the policy makes of it.
#[derive(Clone, PartialEq, Debug)]
pub struct SchemaResource {
    /// See `resource_uri`.
    pub uri: String,
    pub name: String,
    pub description: String,
    pub mime_type: &'static str,
    /// Of 100: how much of the database one knows without it.
    pub priority: u8,
    pub text: String,
}
