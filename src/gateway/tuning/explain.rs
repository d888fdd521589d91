//! The tool `explain`: a statement's plan, what is slow in it, and what it would be with other indexes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::hypothetical::{self, Hypothetical};
use super::plan::Plan;
use super::session::Session;
use super::shown::Shown;
use super::{findings, tree};
use crate::auth::Caller;
use crate::db::Supposed;
use crate::gateway::{ExplainOutput, ExplainRequest, Gateway};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::{Explained, IndexDefinition};

/// Characters of a plan's document that a reply has room for; the tree is cut.
const FRAME: usize = 400;

/// What PostgreSQL planned.
struct Planned {
    text: String,
    /// Without the hypothetical indexes, where there are some.
    before: Option<String>,
    supposed: Vec<Supposed>,
}

impl Gateway {
    /// Plans `request.sql`. Nothing runs, but by `analyze`, where the policy allows that.
    pub async fn explain(
        &self,
        caller: &Caller,
        request: ExplainRequest,
        cancel: &CancellationToken,
    ) -> Result<ExplainOutput, Diagnostic> {
        let session = Session::begin(self, caller, request.database.as_deref(), cancel).await?;
        if request.analyze && !request.indexes.is_empty() {
            let message =
                "`analyze` runs the statement, and hypothetical indexes cannot be used by one that runs";
            return Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
                .hint("ask with `indexes` or with `analyze`"));
        }
        let explained = session.check(&request.sql, request.analyze).await?;
        let indexes = hypothetical::read(&request.indexes, &session.visible())?;
        let planned = session.run(planned(&session, &explained, &indexes, cancel), cancel).await?;
        answer(&session, &request, &explained, &indexes, planned).map(ExplainOutput)
    }
}

async fn planned(
    session: &Session<'_>,
    explained: &Explained,
    indexes: &[Hypothetical],
    cancel: &CancellationToken,
) -> Result<Planned, Diagnostic> {
    let mut planner = session.planner(cancel).await?;
    let planning = &mut planner.planning;
    let limits = session.pinned.policy().planner_limits();
    let parts: Vec<IndexDefinition> = indexes.iter().flat_map(|index| index.parts.iter().cloned()).collect();
    let mut planned =
        Planned { text: planning.plan(explained, limits).await?, before: None, supposed: Vec::new() };
    if !parts.is_empty() {
        planned.supposed = planning.suppose(&parts).await?;
        planned.before = Some(std::mem::take(&mut planned.text));
        planned.text = planning.plan(explained, limits).await?;
    }
    planner.planning.end();
    Ok(planned)
}

fn answer(
    session: &Session<'_>,
    request: &ExplainRequest,
    explained: &Explained,
    indexes: &[Hypothetical],
    planned: Planned,
) -> Result<Value, Diagnostic> {
    let visible = session.visible();
    let (plan, document) = Plan::read(&planned.text)?;
    let mut supposed = planned.supposed.into_iter();
    let mut names = BTreeMap::new();
    let mut report = Vec::new();
    let mut used = Vec::new();
    plan.root.visit(1.0, &mut |node, _| used.extend(node.index.as_deref()));
    for index in indexes {
        let parts: Vec<Supposed> = supposed.by_ref().take(index.parts.len()).collect();
        let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
        report.push(json!({
            "index": index.definition.to_string(),
            "used": parts.iter().any(|part| used.contains(&part.name.as_str())),
            "kilobytes": bytes.div_ceil(1024),
        }));
        let columns: Vec<&str> = index.definition.columns().collect();
        let name = format!("hypothetical ({})", columns.join(", "));
        names.extend(parts.into_iter().map(|part| (part.name, name.clone())));
    }
    let shown = Shown::new(&visible, session.reached(explained), names);
    let mut fields = Map::new();
    let mut say = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    say("rows", json!(plan.root.rows.round()));
    say("cost", json!(plan.root.cost));
    if let Some(before) = &planned.before {
        say("cost_before", json!(Plan::read(before)?.0.root.cost));
        say("indexes", json!(report));
    }
    if let Some(time) = plan.execution_time {
        say("milliseconds", json!(time));
    }
    if explained.checked().parameters() > 0 {
        say("parameters", json!("planned for any values of the parameters"));
    }
    say("findings", json!(findings::findings(&plan, explained.tables(), &shown, &visible)));
    let used = json!(fields).to_string().chars().count();
    let room = session.limits.characters.saturating_sub(used + FRAME);
    let (shown, truncated) = match request.document {
        true => (whole(shown.document(document), room)?, false),
        false => {
            let (lines, truncated) = whole_lines(&tree::tree(&plan, &shown), room);
            (json!(lines), truncated)
        }
    };
    fields.insert("plan".to_owned(), shown);
    if truncated {
        fields.insert("truncated".to_owned(), json!(true));
    }
    Ok(Value::Object(fields))
}

/// A document is not cut: half of one is none.
fn whole(document: Value, room: usize) -> Result<Value, Diagnostic> {
    let length = document.to_string().chars().count();
    if length <= room {
        return Ok(document);
    }
    let message = format!("the plan's document has {length} characters, more than a reply may have");
    Err(Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message).hint("ask for it as text"))
}

/// As many lines as there is room for, as JSON writes them.
fn whole_lines(text: &str, room: usize) -> (String, bool) {
    let mut left = room;
    let mut lines = Vec::new();
    for line in text.lines() {
        let length = json!(line).to_string().chars().count();
        let Some(rest) = left.checked_sub(length) else { return (lines.join("\n"), true) };
        left = rest;
        lines.push(line);
    }
    (lines.join("\n"), false)
}
