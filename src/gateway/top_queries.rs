//! The tool `top_queries`: what pg_stat_statements has counted, and of whose statements what may be told.

use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::looks::Look;
use super::served::Schema;
use super::visible::Visible;
use super::{Gateway, Served, TopQueries, TopQueriesRequest, deadline};
use crate::auth::Caller;
use crate::catalog::Relation;
use crate::db::Statement;
use crate::pg::{Diagnostic, QualifiedName};
use crate::sql::{Mentions, mentions};

/// Without `limit`.
const QUERIES: u64 = 10;
const MOST: u64 = 100;
/// Characters that the object around the queries takes.
const ENVELOPE_CHARS: usize = 200;

/// One statement in the answer.
#[derive(Serialize)]
struct Query {
    /// A string: clients round numbers as long as these.
    queryid: String,
    calls: i64,
    total_ms: f64,
    mean_ms: f64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    volume: Option<Volume>,
    /// Where the caller sees all that it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    relations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
}

/// How much it read and gave: of hidden rows, too.
#[derive(Serialize)]
struct Volume {
    rows: i64,
    blocks_hit: i64,
    blocks_read: i64,
    #[serde(skip_serializing_if = "is_zero")]
    temp_blocks: i64,
    #[serde(skip_serializing_if = "is_zero")]
    wal_bytes: i64,
}

impl Gateway {
    /// The statements of everybody in the database, first those that `request.by` puts first. Their texts only where the
    /// policy has `query_texts`, and nothing but numbers of those that name something hidden.
    pub async fn top_queries(
        &self,
        caller: &Caller,
        request: TopQueriesRequest,
        cancel: &CancellationToken,
    ) -> Result<TopQueries, Diagnostic> {
        let served = self.served(request.database.as_deref())?;
        let mut look = Look::begin(self, caller, served, "top_queries")?;
        let told = Box::pin(self.counted(caller, request, cancel, (served, &mut look))).await;
        look.end(told)
    }

    async fn counted(
        &self,
        caller: &Caller,
        request: TopQueriesRequest,
        cancel: &CancellationToken,
        (served, look): (&Served, &mut Look<'_>),
    ) -> Result<TopQueries, Diagnostic> {
        let monitor = served.database.monitor().ok_or_else(|| served.has_no_monitor())?;
        // The last snapshot: reading a new one waits for locks, and who looks here may look for those.
        let Schema { pinned, catalog, limits, .. } = served.schema(caller, &self.limits, cancel).await?;
        look.under(pinned.policy().version());
        let _admitted = self.admitted(caller, served, pinned.policy())?;
        let visible = Visible::new(&catalog, pinned.policy());
        let limit = u32::try_from(request.limit.unwrap_or(QUERIES).clamp(1, MOST)).unwrap_or(1);
        let reads = Box::pin(monitor.statements(request.by, limit));
        let statements = deadline::within(limits.deadline, cancel, reads).await?;
        let longest = pinned.policy().has_query_texts().then_some(limits.field_characters);
        let queries = statements.iter().map(|statement| query(&visible, statement, longest));
        let report = report(request.by.word(), queries, limits.characters);
        look.at_those_of(&report, "queries", "relations");
        Ok(TopQueries(report))
    }
}

/// `longest`: characters of its text, where texts may be told at all.
fn query(visible: &Visible<'_>, statement: &Statement, longest: Option<usize>) -> Query {
    let told = mentions(&statement.text).and_then(|mentions| Some((seen(visible, &mentions)?, mentions)));
    let text = told
        .as_ref()
        .zip(longest)
        .filter(|((relations, mentions), _)| may_tell(visible, relations, mentions));
    // Of what nobody knows to name, numbers tell of nothing in particular.
    let named = told.iter().flat_map(|(relations, _)| relations);
    let whole = named.into_iter().all(|relation| visible.shows_estimates(relation));
    let milliseconds = |value: f64| (value * 1000.0).round() / 1000.0;
    Query {
        queryid: statement.queryid.to_string(),
        calls: statement.calls,
        total_ms: milliseconds(statement.total_ms),
        mean_ms: milliseconds(statement.mean_ms),
        volume: whole.then_some(Volume {
            rows: statement.rows,
            blocks_hit: statement.blocks_hit,
            blocks_read: statement.blocks_read,
            temp_blocks: statement.temp_blocks,
            wal_bytes: statement.wal_bytes,
        }),
        query: text.map(|((_, mentions), longest)| mentions.text.chars().take(longest).collect()),
        relations: told.iter().flat_map(|(relations, _)| relations).map(|r| r.name.to_string()).collect(),
    }
}

/// The relations that it names. INVARIANT: `None` where one of them is not visible, or could be another that is not.
fn seen<'c>(visible: &Visible<'c>, mentions: &Mentions) -> Option<Vec<&'c Relation>> {
    let one = |parts: &Vec<String>| match parts.as_slice() {
        [schema, name] => visible.relation(&QualifiedName::new(schema, name)),
        // Whose search path it was looked up by is not known.
        [name] => {
            let mut same =
                visible.catalog().relations().iter().filter(|relation| relation.name.name == *name);
            let first = visible.by_oid(same.next()?.oid)?;
            same.next().is_none().then_some(first)
        }
        _ => None,
    };
    mentions.relations.iter().map(one).collect()
}

/// Its text mentions no hidden column of them either, nor a function of the database.
fn may_tell(visible: &Visible<'_>, relations: &[&Relation], mentions: &Mentions) -> bool {
    [mentions.text.as_str(), &mentions.text.to_lowercase()].into_iter().all(|text| {
        visible.may_say(text)
            && !visible.names_hidden_column(text)
            && relations.iter().all(|relation| visible.may_show(relation, text))
    })
}

fn report(by: &str, queries: impl Iterator<Item = Query>, characters: usize) -> Value {
    let mut left = characters.saturating_sub(ENVELOPE_CHARS);
    let mut shown = Vec::new();
    let mut truncated = false;
    for query in queries {
        let query = serde_json::to_value(query).unwrap_or_default();
        let Some(rest) = left.checked_sub(query.to_string().chars().count() + 1) else {
            truncated = true;
            break;
        };
        left = rest;
        shown.push(query);
    }
    json!({ "by": by, "queries": shown, "truncated": truncated })
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}
