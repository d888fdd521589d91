//! Completion of an argument while it is typed: names that the caller may see.

mod order;

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use super::invisible;
use super::routines::routines;
use super::visible::Visible;
use super::{Gateway, Served};
use crate::auth::Caller;
use crate::pg::{Diagnostic, QualifiedName};
use crate::policy::ToolGroup;
use order::{Candidate, in_order};

/// Values of one answer (the protocol's own bound).
const MOST: usize = 100;
/// PostgreSQL's names have 63 bytes: what is longer than two of them is no name.
const LONGEST: usize = 130;

/// What the argument names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    Database,
    Schema,
    /// In its schema.
    Relation,
    /// As SQL takes it, with its schema.
    QualifiedRelation,
    Column,
    RoutineSchema,
    /// In its schema.
    Routine,
    /// A saved query.
    Query,
    /// Of a resource.
    Form,
}

/// The argument, and those that are known already.
#[derive(Clone, Debug)]
pub struct Completing {
    pub wanted: Wanted,
    pub typed: String,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub relation: Option<String>,
}

/// The best of `total` values.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Completion {
    pub values: Vec<String>,
    pub total: usize,
}

impl Gateway {
    /// Values that begin with what is typed first, then those that are like it. None where the tools of the group `schema`
    /// are switched off.
    pub async fn complete(&self, caller: &Caller, completing: &Completing) -> Result<Completion, Diagnostic> {
        self.may_call(caller)?;
        if completing.typed.chars().count() > LONGEST {
            return Ok(Completion::default());
        }
        let shows = |served: &&Served| {
            let source = served.policies.of(caller);
            source.is_ok_and(|source| source.pin().policy().has_tools(ToolGroup::Schema))
        };
        let names = match completing.wanted {
            Wanted::Form => ["json", "markdown"].map(Candidate::new).into(),
            Wanted::Database => {
                self.served.iter().filter(shows).map(|served| Candidate::new(served.name())).collect()
            }
            Wanted::Query => match self.served(completing.database.as_deref()).ok().filter(shows) {
                None => Vec::new(),
                Some(served) => {
                    let saved = served.saved_queries(caller, None, &self.limits).await;
                    saved.iter().map(|saved| Candidate::new(&saved.query.name)).collect()
                }
            },
            _ => match self.served(completing.database.as_deref()).ok().filter(shows) {
                None => Vec::new(),
                Some(served) => {
                    let schema = served.schema(caller, &self.limits, &CancellationToken::new()).await?;
                    named(&schema.visible(), completing)
                }
            },
        };
        // Nobody can type them.
        let typable = |candidate: &Candidate| invisible::find(&candidate.value, |_| false).is_none();
        let mut values = in_order(names.into_iter().filter(typable).collect(), &completing.typed);
        let total = values.len();
        values.truncate(MOST);
        Ok(Completion { values, total })
    }
}

/// Each name once, in name order.
fn named(visible: &Visible<'_>, completing: &Completing) -> Vec<Candidate> {
    let within = |schema: &str| completing.schema.as_ref().is_none_or(|wanted| wanted == schema);
    let relations = || visible.folded().filter(|relation| within(&relation.name.schema));
    let functions = || routines(visible).into_keys().filter(|name| within(&name.schema));
    let once = |names: BTreeSet<&str>| names.into_iter().map(Candidate::new).collect();
    match completing.wanted {
        Wanted::Database | Wanted::Query | Wanted::Form => Vec::new(),
        Wanted::Schema => once(visible.folded().map(|relation| relation.name.schema.as_str()).collect()),
        Wanted::Relation => once(relations().map(|relation| relation.name.name.as_str()).collect()),
        Wanted::QualifiedRelation => {
            relations().map(|relation| Candidate::qualified(&relation.name)).collect()
        }
        Wanted::Column => columns(visible, completing),
        Wanted::RoutineSchema => {
            once(routines(visible).into_keys().map(|name| name.schema.as_str()).collect())
        }
        Wanted::Routine => once(functions().map(|name| name.name.as_str()).collect()),
    }
}

/// In the table's order.
fn columns(visible: &Visible<'_>, completing: &Completing) -> Vec<Candidate> {
    let Some(name) = &completing.relation else { return Vec::new() };
    let in_schema =
        completing.schema.as_ref().and_then(|schema| visible.relation(&QualifiedName::new(schema, name)));
    let relation = in_schema.or_else(|| visible.resolve(name).ok());
    let columns = relation.into_iter().flat_map(|relation| visible.columns(relation));
    columns.map(|column| Candidate::new(&column.name)).collect()
}

#[cfg(test)]
mod tests;
