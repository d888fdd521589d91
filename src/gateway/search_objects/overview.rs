//! The whole database in as many words as there are to be: a line for each relation, and less of each where all of it would
//! be too long.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::found::signature;
use super::lookalikes::Lookalikes;
use super::shortened;
use super::words::stems;
use crate::catalog::{Relation, RelationKind, Routine};
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
pub(super) fn overview<'c>(
    visible: &Visible<'c>,
    relations: &[&'c Relation],
    routines: &[&'c Routine],
    characters: usize,
) -> Value {
    let whole = DETAILS.into_iter().map(|detail| (detail, written(visible, relations, routines, detail)));
    let mut least = None;
    for (detail, schemas) in whole {
        let answer = answer(visible, &schemas, relations.len(), detail);
        if json_chars(&answer) <= characters {
            return answer;
        }
        least = Some(schemas);
    }
    cut(visible, least.unwrap_or_default(), relations.len(), characters)
}

/// A schema with its lines.
struct Lines<'c> {
    schema: &'c str,
    comment: Option<String>,
    lines: Vec<String>,
    functions: Vec<String>,
}

fn written<'c>(
    visible: &Visible<'c>,
    relations: &[&'c Relation],
    routines: &[&'c Routine],
    detail: Detail,
) -> Vec<Lines<'c>> {
    let base = if detail == Detail::Full { HashMap::new() } else { bases(visible, relations) };
    let mut similar: HashMap<Oid, usize> = HashMap::new();
    base.values().for_each(|base| *similar.entry(*base).or_default() += 1);
    let mut functions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for routine in routines.iter().filter(|_| detail != Detail::Names) {
        functions.entry(&routine.name.schema).or_default().push(signature(routine));
    }
    let comment = |schema: &str| {
        let found = visible.catalog().schema(schema);
        found.and_then(|schema| schema.comment.as_deref()).map(shortened)
    };
    let mut schemas: Vec<Lines<'c>> = Vec::new();
    for relation in relations.iter().filter(|relation| !base.contains_key(&relation.oid)) {
        let schema = relation.name.schema.as_str();
        if schemas.last().is_none_or(|last| last.schema != schema) {
            let functions = functions.remove(schema).unwrap_or_default();
            schemas.push(Lines { schema, comment: comment(schema), lines: Vec::new(), functions });
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
    // Schemas of functions alone.
    let others = functions.into_iter();
    schemas.extend(others.map(|(schema, functions)| Lines {
        schema,
        comment: comment(schema),
        lines: Vec::new(),
        functions,
    }));
    schemas
}

/// Of relations whose name goes on from another's and that refer to it (`orders_history`), the other.
fn bases<'c>(visible: &Visible<'c>, relations: &[&'c Relation]) -> HashMap<Oid, Oid> {
    let names: Vec<Vec<String>> = relations.iter().map(|relation| stems(&relation.name.name)).collect();
    let named = || relations.iter().zip(&names);
    let lookalikes =
        Lookalikes::new(named().map(|(relation, name)| (relation.name.schema.as_str(), name.as_slice())));
    let base = |relation: &'c Relation, name: &[String]| {
        let mut bases = lookalikes.bases(&relation.name.schema, name);
        bases.find_map(|(at, _)| {
            let base = relations.get(at)?.oid;
            visible.foreign_keys(relation).any(|(_, to)| to.oid == base).then_some(base)
        })
    };
    named().filter_map(|(relation, name)| Some((relation.oid, base(relation, name)?))).collect()
}

fn line<'c>(visible: &Visible<'c>, relation: &'c Relation, detail: Detail, similar: usize) -> String {
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
    let links: Vec<String> = references(visible, relation).collect();
    if !links.is_empty() {
        line.push_str(&format!(" {}", links.join(" ")));
    }
    let comment = visible.said_of(relation).note.or(relation.comment.as_deref());
    if let Some(comment) = comment.filter(|_| detail != Detail::Keys) {
        line.push_str(&format!(": {}", shortened(comment)));
    }
    line
}

/// Its foreign keys as `column>relation`.
pub(super) fn references<'c>(visible: &Visible<'c>, from: &'c Relation) -> impl Iterator<Item = String> {
    visible.foreign_keys(from).map(|(key, to)| {
        let near = to.name.schema == from.name.schema;
        let name = if near { shown_ident(&to.name.name) } else { to.name.to_string() };
        // Nearly every key leads to a primary key: only the others say to what.
        let primary = to.keys.iter().any(|other| other.primary && other.columns == key.referenced_columns);
        let columns = if primary { String::new() } else { format!("({})", listed(&key.referenced_columns)) };
        format!("{}>{name}{columns}", listed(&key.columns))
    })
}

fn listed(columns: &[String]) -> String {
    columns.iter().map(|column| shown_ident(column)).collect::<Vec<_>>().join(",")
}

fn answer(visible: &Visible<'_>, schemas: &[Lines<'_>], total: usize, detail: Detail) -> Value {
    let mut answer = serde_json::Map::new();
    let mut add = |key: &str, value: Value| {
        answer.insert(key.to_owned(), value);
    };
    if detail != Detail::Names {
        if let Some(about) = visible.about() {
            add("about", json!(shortened(about)));
        }
        let terms: Vec<&str> = visible.meanings().map(|meaning| meaning.term).collect();
        if !terms.is_empty() {
            add("terms", json!(terms));
        }
    }
    add("schemas", schemas.iter().map(schema).collect());
    add("legend", json!(LEGEND));
    add("detail", json!(detail.word()));
    add("total", json!(total));
    add("truncated", json!(detail != Detail::Full));
    if detail != Detail::Full {
        add("hint", json!("for more set `schema`, search with `query`, or allow more `tokens`"));
    }
    Value::Object(answer)
}

fn schema(lines: &Lines<'_>) -> Value {
    let mut schema = json!({"schema": lines.schema});
    if let Some(schema) = schema.as_object_mut() {
        lines.comment.as_ref().map(|comment| schema.insert("comment".to_owned(), json!(comment)));
        schema.insert("relations".to_owned(), json!(lines.lines));
        if !lines.functions.is_empty() {
            schema.insert("functions".to_owned(), json!(lines.functions));
        }
    }
    schema
}

/// As many names of each schema as fit; each schema keeps its share.
fn cut(visible: &Visible<'_>, mut schemas: Vec<Lines<'_>>, total: usize, characters: usize) -> Value {
    loop {
        let answer = answer(visible, &schemas, total, Detail::Names);
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
