//! The record of a call that looks at the schema or at the server, without a statement of the caller's.

use std::time::Instant;

use serde_json::Value;

use super::query::{NO_POLICY, random_id};
use super::{Gateway, Served};
use crate::auth::Caller;
use crate::pg::Diagnostic;
use crate::telemetry::{Event, Statement};

/// Names of one record.
const MOST: usize = 200;

/// Begun before anything is decided, ended with what was: one event each call, like that of a statement.
pub(super) struct Look<'g> {
    gateway: &'g Gateway,
    caller: &'g Caller,
    database: &'g str,
    kind: &'static str,
    query_id: String,
    policy: String,
    relations: Vec<String>,
    began: Instant,
}

impl<'g> Look<'g> {
    /// `kind` is the tool's name.
    pub fn begin(
        gateway: &'g Gateway,
        caller: &'g Caller,
        served: &'g Served,
        kind: &'static str,
    ) -> Result<Self, Diagnostic> {
        Ok(Self {
            gateway,
            caller,
            database: served.name(),
            kind,
            query_id: random_id()?,
            policy: NO_POLICY.to_owned(),
            relations: Vec::new(),
            began: Instant::now(),
        })
    }

    /// The version of the policy that decides.
    pub fn under(&mut self, policy: &str) {
        policy.clone_into(&mut self.policy);
    }

    /// What the caller has named, or is shown, instead of what stood there.
    pub fn at(&mut self, relations: impl IntoIterator<Item = String>) {
        self.relations.clear();
        for relation in relations {
            if self.relations.len() == MOST {
                return;
            }
            if !self.relations.contains(&relation) {
                self.relations.push(relation);
            }
        }
    }

    /// The same, as the answer's `list` has them in each object's `key`: one name, or several.
    pub fn at_those_of(&mut self, answer: &Value, list: &str, key: &str) {
        let objects = answer.get(list).and_then(Value::as_array).into_iter().flatten();
        let names = objects.filter_map(|object| object.get(key)).flat_map(|names| match names {
            Value::Array(names) => names.iter().collect(),
            name => vec![name],
        });
        self.at(names.filter_map(Value::as_str).map(str::to_owned));
    }

    /// Tells what came of it.
    pub fn end<T>(self, told: Result<T, Diagnostic>) -> Result<T, Diagnostic> {
        let refusal = told.as_ref().err();
        self.gateway.telemetry.emit(&Event::Decision {
            query_id: &self.query_id,
            who: self.caller.who(),
            database: self.database,
            statement: Statement::Absent,
            kind: self.kind,
            policy: &self.policy,
            allowed: refusal.is_none(),
            rule: refusal.and_then(|refusal| refusal.rule.as_deref()),
            sqlstate: refusal.map(|refusal| refusal.sqlstate),
            relations: &self.relations,
            rules: &[],
            took: self.began.elapsed(),
        });
        told
    }
}
