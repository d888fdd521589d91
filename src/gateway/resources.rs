//! Resources: the schema as Markdown, from the database down to one relation.

mod page;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::visible::Visible;
use super::{CallLimits, Gateway, SchemaResource, Served, invisible, resource_uri};
use crate::auth::Caller;
use crate::catalog::Relation;
use crate::pg::{Diagnostic, QualifiedName};
use crate::policy::ToolGroup;
use resource_uri::uri;

/// Clients list resources while a person waits for them to start.
const LISTING: Duration = Duration::from_secs(10);

impl Gateway {
    /// Every resource that the caller may read, with empty texts: [`Self::read_resource`] writes them. A database that is
    /// not ready is listed alone, with the reason.
    pub async fn list_resources(&self, caller: &Caller) -> Result<Vec<SchemaResource>, Diagnostic> {
        let limits = CallLimits { deadline: self.limits.deadline.min(LISTING), ..self.limits.clone() };
        let has_schema =
            |served: &&Served| self.has_tools(caller, Some(served.name()), ToolGroup::Schema).is_ok();
        let looks = self.served.iter().filter(has_schema).map(async |served| {
            match served.schema(caller, &limits, &CancellationToken::new()).await {
                Ok(schema) => listed(served.name(), &Visible::new(&schema.catalog, schema.pinned.policy())),
                Err(reason) => vec![not_ready(served, &reason)],
            }
        });
        Ok(join_all(looks).await.concat())
    }

    /// The resource at `uri`; `None` where there is none that the caller may read.
    pub async fn read_resource(
        &self,
        caller: &Caller,
        uri: &str,
    ) -> Result<Option<SchemaResource>, Diagnostic> {
        let Some(parts) = resource_uri::parts(uri) else { return Ok(None) };
        let Some(served) =
            self.served.iter().find(|served| parts.first().is_some_and(|name| name == served.name()))
        else {
            return Ok(None);
        };
        if self.has_tools(caller, Some(served.name()), ToolGroup::Schema).is_err() {
            return Ok(None);
        }
        let schema = served.schema(caller, &self.limits, &CancellationToken::new()).await?;
        let visible = Visible::new(&schema.catalog, schema.pinned.policy());
        Ok(read(served.name(), &visible, parts.get(1..).unwrap_or_default()))
    }
}

fn listed(database: &str, visible: &Visible<'_>) -> Vec<SchemaResource> {
    let mut out = vec![database_resource(database, visible)];
    for (schema, relations) in by_schema(visible) {
        out.push(schema_resource(database, visible, schema, &relations));
        out.extend(relations.into_iter().map(|relation| relation_resource(database, relation)));
    }
    out
}

fn read(database: &str, visible: &Visible<'_>, parts: &[String]) -> Option<SchemaResource> {
    let schemas = by_schema(visible);
    match parts {
        [] => Some(SchemaResource {
            text: page::database(database, visible, &schemas),
            ..database_resource(database, visible)
        }),
        [schema] => {
            let (schema, relations) = schemas.get_key_value(schema.as_str())?;
            let text = page::schema(visible, schema, relations);
            Some(SchemaResource { text, ..schema_resource(database, visible, schema, relations) })
        }
        [schema, name] => {
            let relation = visible.relation(&QualifiedName::new(schema, name))?;
            Some(SchemaResource {
                text: page::relation(visible, relation),
                ..relation_resource(database, relation)
            })
        }
        _ => None,
    }
}

fn by_schema<'c>(visible: &Visible<'c>) -> BTreeMap<&'c str, Vec<&'c Relation>> {
    let mut out: BTreeMap<&str, Vec<&Relation>> = BTreeMap::new();
    for relation in visible.folded() {
        out.entry(&relation.name.schema).or_default().push(relation);
    }
    out
}

fn database_resource(database: &str, visible: &Visible<'_>) -> SchemaResource {
    let comment = visible.catalog().contents().comment.as_deref();
    SchemaResource {
        uri: uri(&[database]),
        name: database.to_owned(),
        description: comment.map_or_else(|| "schemas and relations of the database".to_owned(), excerpt),
        text: String::new(),
    }
}

fn schema_resource(
    database: &str,
    visible: &Visible<'_>,
    schema: &str,
    relations: &[&Relation],
) -> SchemaResource {
    let comment = visible.catalog().schema(schema).and_then(|schema| schema.comment.as_deref());
    SchemaResource {
        uri: uri(&[database, schema]),
        name: invisible::shown_line(schema),
        description: comment.map_or_else(|| format!("schema with {} relations", relations.len()), excerpt),
        text: String::new(),
    }
}

fn relation_resource(database: &str, relation: &Relation) -> SchemaResource {
    SchemaResource {
        uri: uri(&[database, &relation.name.schema, &relation.name.name]),
        name: invisible::shown_line(&relation.name.to_string()),
        description: relation.comment.as_deref().map_or_else(|| relation.kind.words().to_owned(), excerpt),
        text: String::new(),
    }
}

/// The beginning of a comment, on one line.
fn excerpt(comment: &str) -> String {
    const CHARS: usize = 300;
    let line = invisible::shown_line(comment.trim());
    match line.char_indices().nth(CHARS).and_then(|(end, _)| line.get(..end)) {
        Some(start) => format!("{start}…"),
        None => line,
    }
}

fn not_ready(served: &Served, reason: &Diagnostic) -> SchemaResource {
    SchemaResource {
        uri: uri(&[served.name()]),
        name: served.name().to_owned(),
        description: format!("not ready: {}", reason.message),
        text: String::new(),
    }
}

#[cfg(test)]
mod tests;
