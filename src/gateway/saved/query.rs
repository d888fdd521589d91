//! One saved query, and the request that a call of it becomes.
//!
//! Its statement has PostgreSQL's own placeholders, and its parameters stand in the order of `$1`, `$2`, ..: what runs in
//! psql's PREPARE is what runs here, no second grammar looks for names inside of strings, casts (`::`) and slices (`[1:2]`),
//! and the number and types of the parameters are compared with PostgreSQL's when the file is read.

use std::collections::BTreeMap;

use super::Parameter;
use crate::catalog::closest;
use crate::gateway::{Format, QueryRequest, SavedRun};
use crate::pg::{Diagnostic, SqlState};
use crate::policy::Place;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SavedQuery {
    pub name: String,
    /// Written by the DBA, for the model.
    pub description: String,
    /// For the database only, unless `show_sql`.
    pub(super) sql: String,
    pub parameters: Vec<Parameter>,
    /// How its rows are to be read.
    pub notes: Option<String>,
    /// Rows at the most.
    pub limit: Option<u64>,
    pub show_sql: bool,
    /// Of the statement in the file.
    pub(super) place: Place,
}

impl SavedQuery {
    /// The statement, where the caller may read it.
    pub fn shown_sql(&self) -> Option<&str> {
        self.show_sql.then_some(self.sql.as_str())
    }

    /// The question that `query` would ask with this statement. `given` are values by name, as text; `tool` is what was
    /// called.
    pub fn request(
        &self,
        database: &str,
        tool: &str,
        given: &BTreeMap<String, String>,
        format: Format,
    ) -> Result<QueryRequest, Diagnostic> {
        if let Some(unknown) = given.keys().find(|name| !self.parameters.iter().any(|p| p.name == **name)) {
            return Err(self.unknown(unknown));
        }
        let value = |parameter: &Parameter| {
            parameter.value(&self.name, given.get(&parameter.name).map(String::as_str))
        };
        Ok(QueryRequest {
            sql: self.sql.clone(),
            params: self.parameters.iter().map(value).collect::<Result<_, _>>()?,
            database: Some(database.to_owned()),
            limit: self.limit,
            format,
            saved: Some(SavedRun {
                name: self.name.clone(),
                tool: tool.to_owned(),
                notes: self.notes.clone(),
            }),
        })
    }

    fn unknown(&self, name: &str) -> Diagnostic {
        let name: String = name.chars().filter(|c| !c.is_control() && *c != '`').take(64).collect();
        let refusal = Diagnostic::refused(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("`{}` has no parameter `{name}`", self.name),
        );
        let known = self.parameters.iter().map(|parameter| parameter.name.as_str());
        let hint = match closest(&name, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.parameters.is_empty() => "it has none".to_owned(),
            None => {
                format!("it has {}", known.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
            }
        };
        refusal.rule("saved.parameter").hint(hint)
    }
}
