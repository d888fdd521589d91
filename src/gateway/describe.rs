//! The tool `describe`: everything about some relations that writing a query needs.

mod profile;
mod sample;
mod shape;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::invisible::json_chars;
use super::looks::Look;
use super::served::Schema;
use super::visible::Visible;
use super::{DescribeRequest, Described, Gateway, Served};
use crate::auth::Caller;
use crate::catalog::Relation;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::ToolGroup;
pub(super) use shape::{Key, Link, Shape};

/// Characters of one name: two of PostgreSQL's longest in quotes, with a dot, are shorter.
const NAME_CHARS: usize = 300;
/// Relations of one call.
const MOST: usize = 50;
/// Relations of one call with values of theirs.
const MOST_WITH_VALUES: usize = 10;
/// Of one relation.
const MOST_SAMPLE_ROWS: u64 = 5;

impl Gateway {
    /// Describes relations; with rows of theirs or their statistics, where asked for and the policy has the tools to query.
    pub async fn describe(
        &self,
        caller: &Caller,
        request: DescribeRequest,
        cancel: &CancellationToken,
    ) -> Result<Described, Diagnostic> {
        let served = self.served(request.database.as_deref())?;
        let mut look = Look::begin(self, caller, served, "describe")?;
        look.at(request.relations.iter().cloned());
        let told = Box::pin(self.described(caller, request, cancel, (served, &mut look))).await;
        look.end(told)
    }

    async fn described(
        &self,
        caller: &Caller,
        request: DescribeRequest,
        cancel: &CancellationToken,
        (served, look): (&Served, &mut Look<'_>),
    ) -> Result<Described, Diagnostic> {
        bounded(&request)?;
        if request.shows_values() {
            self.has_tools(caller, request.database.as_deref(), ToolGroup::Query)?;
        }
        let mut schema = served.schema(caller, &self.limits, cancel).await?;
        if let Err(refusal) = named(&schema.visible(), &request.relations)
            && refusal.sqlstate == SqlState::UNDEFINED_TABLE
        {
            let catalog = schema.seen.fresh_catalog(schema.limits.deadline, cancel).await?;
            schema.pinned.protects(&catalog)?;
            schema = Schema { catalog, ..schema };
        }
        look.under(schema.pinned.policy().version());
        let visible = schema.visible();
        let relations = named(&visible, &request.relations)?;
        look.at(relations.iter().map(|relation| relation.name.to_string()));
        let mut described = Vec::new();
        for relation in relations {
            let mut shape = shape_of(&visible, relation);
            if request.profile {
                Box::pin(profile::add(&mut shape, &visible, relation, &schema.seen.database)).await?;
            }
            if request.sample_rows > 0 {
                let rows = Box::pin(self.sample(caller, &request, &visible, relation, cancel)).await;
                shape.as_object_mut().map(|shape| shape.insert("sample_rows".to_owned(), rows));
            }
            described.push((relation, shape));
        }
        within(described, schema.limits.characters)
    }
}

impl DescribeRequest {
    fn shows_values(&self) -> bool {
        self.profile || self.sample_rows > 0
    }
}

fn bounded(request: &DescribeRequest) -> Result<(), Diagnostic> {
    let most = if request.shows_values() { MOST_WITH_VALUES } else { MOST };
    let refused = |message: String| Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message);
    if request.relations.is_empty() || request.relations.len() > most {
        let values = if request.shows_values() { " with their values" } else { "" };
        let message =
            format!("{} relations to describe{values}, 1 to {most} are possible", request.relations.len());
        return Err(refused(message).hint("name relations as `schema.name`; `search_objects` finds them"));
    }
    if request.sample_rows > MOST_SAMPLE_ROWS {
        let message = format!("{} sample rows, {MOST_SAMPLE_ROWS} are possible", request.sample_rows);
        return Err(refused(message).hint("`query` reads more"));
    }
    Ok(())
}

/// Each once.
fn named<'c>(visible: &Visible<'c>, names: &[String]) -> Result<Vec<&'c Relation>, Diagnostic> {
    let mut found = Vec::new();
    for name in names {
        if name.chars().nth(NAME_CHARS).is_some() {
            let message = format!("a name in `relations` has more than {NAME_CHARS} characters");
            let refusal = Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message);
            return Err(refusal.hint("name relations as `schema.name`; `search_objects` finds them"));
        }
        let relation = visible.resolve(name)?;
        if !found.contains(&relation) {
            found.push(relation);
        }
    }
    Ok(found)
}

fn shape_of<'c>(visible: &Visible<'c>, relation: &'c Relation) -> Value {
    serde_json::to_value(Shape::new(visible, relation)).unwrap_or_default()
}

/// All of them, or how many fit.
fn within(described: Vec<(&Relation, Value)>, characters: usize) -> Result<Described, Diagnostic> {
    let mut relations = Vec::new();
    let mut used = 0;
    for (relation, shape) in described {
        used += json_chars(&shape) + 20;
        if used > characters {
            return Err(too_long(relations.len(), &relation.name.to_string(), characters));
        }
        relations.push(shape);
    }
    Ok(Described(json!({ "relations": relations })))
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
