//! The whole database in as many words as there are to be: a line for each relation, and less of each where all of it would
//! be too long.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::shortened;
use crate::catalog::{ForeignKey, Relation, RelationKind};
use crate::gateway::invisible::json_chars;
use crate::gateway::visible::Visible;
use crate::pg::{Oid, shown_ident};

/// How a line reads; told along with them.
const LEGEND: &str = "name ~rows (primary key) column>referenced relation: comment";

/// How much a line says, from all to the least.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Detail {
    Full,
    /// Relations whose name goes on from another's are only counted there.
    Folded,
    /// And comments are left out.
    Keys,
    Names,
}

const DETAILS: [Detail; 4] = [Detail::Full, Detail::Folded, Detail::Keys, Detail::Names];

impl Detail {
    fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Folded => "folded",
            Self::Keys => "keys",
            Self::Names => "names",
        }
    }
}

/// An object of at most `characters`. Whoever wants more of a schema narrows to it.
pub(super) fn overview(visible: &Visible<'_>, relations: &[&Relation], characters: usize) -> Value {
    let whole = DETAILS.into_iter().map(|detail| (detail, written(visible, relations, detail)));
    let mut least = None;
    for (detail, schemas) in whole {
        let answer = answer(&schemas, relations.len(), detail, detail != Detail::Full);
        if json_chars(&answer) <= characters {
            return answer;
        }
        least = Some(schemas);
    }
    cut(least.unwrap_or_default(), relations.len(), characters)
}

/// A schema with its lines.
struct Lines<'c> {
    schema: &'c str,
    comment: Option<String>,
    lines: Vec<String>,
}

fn written<'c>(visible: &Visible<'c>, relations: &[&'c Relation], detail: Detail) -> Vec<Lines<'c>> {
    let base = if detail == Detail::Full { HashMap::new() } else { bases(relations) };
    let mut similar: HashMap<Oid, usize> = HashMap::new();
    base.values().for_each(|base| *similar.entry(*base).or_default() += 1);
    let mut schemas: Vec<Lines<'c>> = Vec::new();
    for relation in relations.iter().filter(|relation| !base.contains_key(&relation.oid)) {
        let schema = relation.name.schema.as_str();
        if schemas.last().is_none_or(|last| last.schema != schema) {
            let found = visible.catalog().schema(schema).and_then(|schema| schema.comment.as_deref());
            schemas.push(Lines { schema, comment: found.map(shortened), lines: Vec::new() });
        }
        if let Some(last) = schemas.last_mut() {
            last.lines.push(line(
                visible,
                relation,
                detail,
                similar.get(&relation.oid).copied().unwrap_or(0),
            ));
        }
    }
    schemas
}

/// Of relations whose name goes on from another's and that refer to it (`orders_history`), the other.
fn bases(relations: &[&Relation]) -> HashMap<Oid, Oid> {
    let by_name: HashMap<(&str, &str), Oid> = relations
        .iter()
        .map(|relation| ((relation.name.schema.as_str(), relation.name.name.as_str()), relation.oid))
        .collect();
    let base = |relation: &Relation| {
        let (schema, name) = (relation.name.schema.as_str(), relation.name.name.as_str());
        let shorter = name.match_indices('_').filter_map(|(end, _)| name.get(..end));
        let mut bases = shorter.filter_map(|shorter| by_name.get(&(schema, shorter)).copied());
        bases.find(|base| relation.foreign_keys.iter().any(|key| key.references == *base))
    };
    relations.iter().filter_map(|relation| Some((relation.oid, base(relation)?))).collect()
}

fn line(visible: &Visible<'_>, relation: &Relation, detail: Detail, similar: usize) -> String {
    let mut line = shown_ident(&relation.name.name);
    if similar > 0 {
        line.push_str(&format!(" (+{similar} {}_*)", relation.name.name));
    }
    if detail == Detail::Names {
        return line;
    }
    match (visible.partitions(relation), relation.kind) {
        (0, RelationKind::Table) => {}
        (0, kind) => line.push_str(&format!(" [{}]", kind.words())),
        (partitions, _) => line.push_str(&format!(" [{partitions} partitions]")),
    }
    if let Some(rows) = visible.row_estimate(relation) {
        line.push_str(&format!(" ~{rows}"));
    }
    let shown = |columns: &[String]| columns.iter().all(|column| visible.has_column(relation, column));
    if let Some(key) = relation.keys.iter().find(|key| key.primary && shown(&key.columns)) {
        line.push_str(&format!(" ({})", listed(&key.columns)));
    }
    let links: Vec<String> =
        relation.foreign_keys.iter().filter_map(|key| link(visible, relation, key)).collect();
    if !links.is_empty() {
        line.push_str(&format!(" {}", links.join(" ")));
    }
    if let Some(comment) = relation.comment.as_deref().filter(|_| detail != Detail::Keys) {
        line.push_str(&format!(": {}", shortened(comment)));
    }
    line
}

/// Nothing where a column of it is hidden, or what it leads to.
fn link(visible: &Visible<'_>, from: &Relation, key: &ForeignKey) -> Option<String> {
    let to = visible.by_oid(key.references)?;
    let shown = key.columns.iter().all(|column| visible.has_column(from, column))
        && key.referenced_columns.iter().all(|column| visible.has_column(to, column));
    let name =
        if to.name.schema == from.name.schema { shown_ident(&to.name.name) } else { to.name.to_string() };
    // Nearly every key leads to a primary key: only the others say to what.
    let primary = to.keys.iter().any(|other| other.primary && other.columns == key.referenced_columns);
    let columns = if primary { String::new() } else { format!("({})", listed(&key.referenced_columns)) };
    shown.then(|| format!("{}>{name}{columns}", listed(&key.columns)))
}

fn listed(columns: &[String]) -> String {
    columns.iter().map(|column| shown_ident(column)).collect::<Vec<_>>().join(",")
}

fn answer(schemas: &[Lines<'_>], total: usize, detail: Detail, truncated: bool) -> Value {
    let schemas: Vec<Value> = schemas
        .iter()
        .map(|lines| match &lines.comment {
            Some(comment) => json!({"schema": lines.schema, "comment": comment, "relations": lines.lines}),
            None => json!({"schema": lines.schema, "relations": lines.lines}),
        })
        .collect();
    let mut answer = json!({"schemas": schemas, "legend": LEGEND, "detail": detail.word(), "total": total, "truncated": truncated});
    if truncated && let Some(answer) = answer.as_object_mut() {
        let hint = "for more set `schema`, search with `query`, or allow more `tokens`";
        answer.insert("hint".to_owned(), json!(hint));
    }
    answer
}

/// As many names of each schema as fit; each schema keeps its share.
fn cut(mut schemas: Vec<Lines<'_>>, total: usize, characters: usize) -> Value {
    loop {
        let answer = answer(&schemas, total, Detail::Names, true);
        let over = json_chars(&answer).saturating_sub(characters);
        if over == 0 || schemas.is_empty() {
            return answer;
        }
        match schemas.iter_mut().max_by_key(|lines| lines.lines.len()).filter(|lines| !lines.lines.is_empty())
        {
            Some(longest) => {
                let fewer = longest.lines.len().saturating_sub((over / 40).max(1));
                longest.lines.truncate(fewer.max(longest.lines.len() / 2));
            }
            None => drop(schemas.pop()),
        }
    }
}
