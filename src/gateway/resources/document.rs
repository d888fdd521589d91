//! The JSON of a resource, as long as an answer may be.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::catalog::Relation;
use crate::gateway::invisible::json_chars;
use crate::gateway::visible::Visible;

/// Characters of the object around the relations.
const ENVELOPE_CHARS: usize = 500;
/// Characters of a comment; the whole of a relation's is in its own resource.
const COMMENT_CHARS: usize = 300;

/// The relations of each schema that fit; `truncated` where some do not.
pub(super) fn database(
    name: &str,
    visible: &Visible<'_>,
    schemas: &BTreeMap<&str, Vec<&Relation>>,
    characters: usize,
) -> Value {
    let mut room = Room { left: characters.saturating_sub(ENVELOPE_CHARS), is_full: false };
    let comment = brief(visible.catalog().contents().comment.as_deref());
    let mut written = Vec::new();
    for (schema, relations) in schemas {
        if room.is_full {
            break;
        }
        written.push(room.schema(visible, schema, relations));
    }
    room.marked(json!({"database": name, "comment": comment, "schemas": written}))
}

pub(super) fn schema(visible: &Visible<'_>, name: &str, relations: &[&Relation], characters: usize) -> Value {
    let mut room = Room { left: characters.saturating_sub(ENVELOPE_CHARS), is_full: false };
    let object = room.schema(visible, name, relations);
    room.marked(object)
}

/// What is left for relations.
struct Room {
    left: usize,
    /// Something did not fit.
    is_full: bool,
}

impl Room {
    fn takes(&mut self, object: &Value) -> bool {
        match self.left.checked_sub(json_chars(object) + 1) {
            Some(rest) if !self.is_full => self.left = rest,
            _ => self.is_full = true,
        }
        !self.is_full
    }

    /// The schema with the relations that fit.
    fn schema(&mut self, visible: &Visible<'_>, name: &str, relations: &[&Relation]) -> Value {
        let comment = visible.catalog().schema(name).and_then(|schema| schema.comment.as_deref());
        let around = json!({"schema": name, "comment": brief(comment)});
        let fits = self.takes(&around);
        let lines = relations.iter().filter(|_| fits).map(|relation| relation_line(visible, relation));
        let lines: Vec<Value> = lines.take_while(|line| self.takes(line)).collect();
        json!({"schema": name, "comment": brief(comment), "relations": lines})
    }

    fn marked(&self, mut object: Value) -> Value {
        if self.is_full
            && let Some(object) = object.as_object_mut()
        {
            object.insert("truncated".to_owned(), Value::Bool(true));
        }
        object
    }
}

fn relation_line(visible: &Visible<'_>, relation: &Relation) -> Value {
    json!({
        "relation": relation.name.to_string(),
        "kind": relation.kind.words(),
        "row_estimate": visible.row_estimate(relation),
        "comment": brief(relation.comment.as_deref()),
    })
}

fn brief(comment: Option<&str>) -> Option<String> {
    let comment = comment?;
    Some(match comment.char_indices().nth(COMMENT_CHARS).and_then(|(end, _)| comment.get(..end)) {
        Some(start) => format!("{start}…"),
        None => comment.to_owned(),
    })
}
