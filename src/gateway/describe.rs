//! The tool `describe`: everything about some relations that writing a query needs.

mod shape;

use tokio_util::sync::CancellationToken;

use super::invisible::json_chars;
use super::served::Schema;
use super::visible::Visible;
use super::{Described, Gateway};
use crate::auth::Caller;
use crate::pg::{Diagnostic, SqlState};
pub(super) use shape::{Key, Link, Shape};

/// Relations of one call.
const MOST: usize = 50;

impl Gateway {
    /// Describes `relations`, each as `schema.name` or a bare name by the search path.
    pub async fn describe(
        &self,
        caller: &Caller,
        database: Option<String>,
        relations: Vec<String>,
        cancel: &CancellationToken,
    ) -> Result<Described, Diagnostic> {
        let served = self.served(database.as_deref())?;
        let Schema { pinned, catalog, limits } = served.schema(caller, &self.limits, cancel).await?;
        let visible = Visible::new(&catalog, pinned.policy());
        let described = describe(&visible, &relations, limits.characters);
        match described {
            Err(refusal) if refusal.sqlstate == SqlState::UNDEFINED_TABLE => {
                let fresh = served.fresh_catalog(limits.deadline, cancel).await?;
                pinned.protects(&fresh)?;
                describe(&Visible::new(&fresh, pinned.policy()), &relations, limits.characters)
            }
            described => described,
        }
    }
}

fn describe(visible: &Visible<'_>, relations: &[String], characters: usize) -> Result<Described, Diagnostic> {
    if relations.is_empty() || relations.len() > MOST {
        let message = format!("{} relations to describe, 1 to {MOST} are possible", relations.len());
        let refusal = Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message);
        return Err(refusal.hint("name relations as `schema.name`; `search_objects` finds them"));
    }
    let mut found = Vec::new();
    for name in relations {
        let relation = visible.resolve(name)?;
        if !found.contains(&relation) {
            found.push(relation);
        }
    }
    let mut described = Vec::new();
    let mut used = 0;
    for relation in found {
        let shape = serde_json::to_value(Shape::new(visible, relation)).unwrap_or_default();
        used += json_chars(&shape) + 20;
        if used > characters {
            return Err(too_long(described.len(), &relation.name.to_string(), characters));
        }
        described.push(shape);
    }
    Ok(Described(serde_json::json!({ "relations": described })))
}

fn too_long(before: usize, name: &str, characters: usize) -> Diagnostic {
    let message = format!("the description up to `{name}` is longer than {characters} characters");
    let hint = if before == 0 {
        format!("search for its columns by `search_objects`, or query `{name}` with LIMIT 0")
    } else {
        format!("describe {before} relations at once")
    };
    Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message).hint(hint)
}

#[cfg(test)]
mod tests;
