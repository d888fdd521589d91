//! The JSON of a resource, as long as an answer may be.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::catalog::Relation;
use crate::gateway::invisible::json_chars;
use crate::gateway::visible::Visible;

/// Characters of the object around the relations.
const ENVELOPE_CHARS: usize = 500;

/// The relations of each schema that fit; `truncated` where some do not.
pub(super) fn database(
    name: &str,
    visible: &Visible<'_>,
    schemas: &BTreeMap<&str, Vec<&Relation>>,
    characters: usize,
) -> Value {
    let mut room = Room { left: characters.saturating_sub(ENVELOPE_CHARS), is_full: false };
    let comment = json!(visible.catalog().contents().comment);
    let comment = if room.takes(&comment) { comment } else { Value::Null };
    let schemas: Vec<Value> =
        schemas.iter().filter_map(|(schema, relations)| room.schema(visible, schema, relations)).collect();
    room.marked(json!({"database": name, "comment": comment, "schemas": schemas}))
}

pub(super) fn schema(visible: &Visible<'_>, name: &str, relations: &[&Relation], characters: usize) -> Value {
    let mut room = Room { left: characters.saturating_sub(ENVELOPE_CHARS), is_full: false };
    let object = room.schema(visible, name, relations).unwrap_or_default();
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

    fn schema(&mut self, visible: &Visible<'_>, name: &str, relations: &[&Relation]) -> Option<Value> {
        let comment = visible.catalog().schema(name).and_then(|schema| schema.comment.as_deref());
        let mut object = json!({"schema": name, "comment": comment, "relations": []});
        if !self.takes(&object) {
            return None;
        }
        let lines = relations.iter().map(|relation| relation_line(visible, relation));
        let lines: Vec<Value> = lines.take_while(|line| self.takes(line)).collect();
        object.as_object_mut()?.insert("relations".to_owned(), Value::Array(lines));
        Some(object)
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
        "comment": relation.comment,
    })
}
