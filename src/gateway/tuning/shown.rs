//! What of a plan's words a caller may read. A plan is shown only where all that it reads is the caller's to see
//! (`sql::explained`); what is left to hide are columns that the login itself may not read, behind views and indexes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::catalog::Relation;
use crate::gateway::visible::Visible;

const WITHHELD: &str = "(not shown)";

pub(super) struct Shown<'v> {
    visible: &'v Visible<'v>,
    reached: Vec<&'v Relation>,
    /// What hypothetical indexes are called in plans, and how they are shown.
    supposed: BTreeMap<String, String>,
}

impl<'v> Shown<'v> {
    pub fn new(
        visible: &'v Visible<'v>,
        reached: Vec<&'v Relation>,
        supposed: BTreeMap<String, String>,
    ) -> Self {
        Self { visible, reached, supposed }
    }

    /// The relation that a plan calls so, if there is only one and the caller sees it.
    pub fn relation(&self, name: &str) -> Option<&'v Relation> {
        self.named(name).filter(|relation| self.visible.relation(&relation.name).is_some())
    }

    /// As SQL names it. A partition that the caller reads through its table only has no name.
    pub fn relation_name(&self, name: &str) -> String {
        match (self.relation(name), self.named(name)) {
            (Some(relation), _) => relation.name.to_string(),
            (None, Some(_)) => "a partition".to_owned(),
            (None, None) => name.to_owned(),
        }
    }

    fn named(&self, name: &str) -> Option<&'v Relation> {
        let mut named = self.reached.iter().filter(|relation| relation.name.name == name);
        named.next().copied().filter(|_| named.next().is_none())
    }

    /// A condition or key.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let shown = self.reached.iter().all(|relation| self.visible.may_show(relation, text));
        Cow::Borrowed(if shown { text } else { WITHHELD })
    }

    /// An index by its name, where its definition may be seen.
    pub fn index<'t>(&'t self, name: &'t str) -> Option<&'t str> {
        if let Some(supposed) = self.supposed.get(name) {
            return Some(supposed);
        }
        let defined = |relation: &Relation| relation.indexes.iter().find(|index| index.name == name).cloned();
        let (relation, index) =
            self.reached.iter().find_map(|relation| Some((relation, defined(relation)?)))?;
        self.visible.may_show(relation, &index.definition).then_some(name)
    }

    /// EXPLAIN's own document, every text in it as it may be read.
    pub fn document(&self, document: Value) -> Value {
        self.value(None, document)
    }

    fn value(&self, key: Option<&str>, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(match key {
                Some("Relation Name") if self.named(&text).is_some() && self.relation(&text).is_none() => {
                    WITHHELD.to_owned()
                }
                Some("Index Name") => self.index(&text).unwrap_or(WITHHELD).to_owned(),
                // Words of PostgreSQL's, and names that the statement itself has.
                Some(
                    "Node Type"
                    | "Join Type"
                    | "Parent Relationship"
                    | "Relation Name"
                    | "Alias"
                    | "Strategy",
                ) => text,
                _ => self.text(&text).into_owned(),
            }),
            Value::Array(items) => items.into_iter().map(|item| self.value(key, item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .filter(|(key, _)| key != "Settings")
                .map(|(key, value)| {
                    let value = self.value(Some(&key), value);
                    (key, value)
                })
                .collect(),
            other => other,
        }
    }
}
