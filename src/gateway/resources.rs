//! Resources: the schema from the database down to one relation, the functions that may be called, the saved queries, and the
//! caller's policy in words. Each as Markdown and as JSON.

mod document;
mod entry;
mod functions;
mod page;
mod policy;
mod queries;
mod shown;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::describe::Shape;
use super::invisible::{json_chars, shown_json};
use super::looks::Look;
use super::resource_uri::{Address, Form, Target};
use super::served::Schema;
use super::visible::Visible;
use super::{CallLimits, Gateway, Saved, SchemaResource, Served};
use crate::auth::Caller;
use crate::catalog::Relation;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::{Policy, ToolGroup};
use policy::PolicyWords;

pub use shown::Shown;
pub(super) use shown::{LastPages, Part};

/// Clients list resources while a person waits for them to start.
const LISTING: Duration = Duration::from_secs(10);

/// What one caller may read of one database.
struct Shelf<'c> {
    database: &'c str,
    visible: Visible<'c>,
    policy: &'c Policy,
    limits: &'c CallLimits,
    /// Saved queries of the caller's.
    saved: Vec<Saved>,
}

impl Gateway {
    /// Every resource that the caller may read but for single functions, with empty texts: [`Self::read_resource`] writes
    /// them. A database that is not ready is listed alone, with the reason.
    pub async fn list_resources(&self, caller: &Caller) -> Result<Vec<SchemaResource>, Diagnostic> {
        let limits = CallLimits { deadline: self.limits.deadline.min(LISTING), ..self.limits.clone() };
        let has_schema =
            |served: &&Served| self.has_tools(caller, Some(served.name()), ToolGroup::Schema).is_ok();
        let looks = self.served.iter().filter(has_schema).map(async |served| {
            match served.schema(caller, &limits, &CancellationToken::new()).await {
                Ok(schema) => {
                    let saved = served.saved_queries(caller, None, &limits).await;
                    let shelf = Shelf::of(served, &schema, saved);
                    let mut all = listed(shelf.database, &shelf.visible);
                    // Behind the database itself.
                    all.splice(1..1, about_policy(&shelf));
                    all
                }
                Err(reason) => vec![entry::not_ready(served.name(), &reason)],
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
        let Some(address) = Address::parse(uri) else { return Ok(None) };
        let Some(served) = self.served.iter().find(|served| served.name() == address.database) else {
            return Ok(None);
        };
        if let Target::Found(id) = &address.target {
            return Box::pin(self.read_found(caller, uri, (served.name(), id), address.form)).await;
        }
        self.telemetry.may_read()?;
        if self.has_tools(caller, Some(served.name()), ToolGroup::Schema).is_err() {
            return Ok(None);
        }
        let mut look = Look::begin(self, caller, served, "resource")?;
        if let Target::Relation(name) = &address.target {
            look.at([name.to_string()]);
        }
        let told = Box::pin(self.written(caller, &address, (served, &mut look))).await;
        if let Ok(None) = told {
            let none = Diagnostic::refused(SqlState::UNDEFINED_OBJECT, "there is no such resource");
            return look.end(Err(none)).or(Ok(None));
        }
        let read = look.end(told)?;
        Ok(read.map(|resource| SchemaResource { uri: uri.to_owned(), ..resource }))
    }

    async fn written(
        &self,
        caller: &Caller,
        address: &Address,
        (served, look): (&Served, &mut Look<'_>),
    ) -> Result<Option<SchemaResource>, Diagnostic> {
        let schema = served.schema(caller, &self.limits, &CancellationToken::new()).await?;
        look.under(schema.pinned.policy().version());
        let saved = match &address.target {
            Target::Queries => served.saved_queries(caller, None, &self.limits).await,
            Target::Query(name) => served.saved_queries(caller, Some(name), &self.limits).await,
            _ => Vec::new(),
        };
        read(&Shelf::of(served, &schema, saved), address)
    }

    /// The caller may read resources of some database.
    pub fn has_resources(&self, caller: &Caller) -> bool {
        self.tool_groups(caller).contains(&ToolGroup::Schema)
    }
}

impl<'c> Shelf<'c> {
    fn of(served: &'c Served, schema: &'c Schema<'_>, saved: Vec<Saved>) -> Self {
        let policy = schema.pinned.policy();
        Self { database: served.name(), visible: schema.visible(), policy, limits: &schema.limits, saved }
    }
}

/// The schema, the database first.
fn listed(database: &str, visible: &Visible<'_>) -> Vec<SchemaResource> {
    let mut out = vec![entry::database(database, visible)];
    for (schema, relations) in by_schema(visible) {
        out.push(entry::schema(database, visible, schema, &relations));
        out.extend(relations.into_iter().map(|relation| entry::relation(database, relation)));
    }
    out
}

fn about_policy(shelf: &Shelf<'_>) -> Vec<SchemaResource> {
    let mut out = vec![entry::policy(shelf.database)];
    if !functions::all(&shelf.visible).is_empty() {
        out.push(entry::routines(shelf.database));
    }
    if !shelf.saved.is_empty() {
        out.push(entry::queries(shelf.database));
        out.extend(shelf.saved.iter().map(|saved| entry::query(shelf.database, &saved.query)));
    }
    out
}

fn read(shelf: &Shelf<'_>, address: &Address) -> Result<Option<SchemaResource>, Diagnostic> {
    let most = shelf.limits.characters;
    let Some((entry, body)) = written(shelf, &address.target, address.form) else { return Ok(None) };
    match body {
        Body::Markdown(text) => Ok(Some(SchemaResource { text: page::within(text, most), ..entry })),
        Body::Json(value) if json_chars(&value) > most => Err(too_long(most)),
        Body::Json(value) => {
            let text = shown_json(&value.to_string()).into_owned();
            Ok(Some(SchemaResource { text, mime_type: entry::JSON, ..entry }))
        }
    }
}

fn too_long(characters: usize) -> Diagnostic {
    let message = format!("the JSON of the resource is longer than {characters} characters");
    Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
        .hint("read it as Markdown, which is cut where it is too long, or call `describe`")
}

enum Body {
    Markdown(String),
    Json(Value),
}

/// `None`: there is no such thing for the caller.
fn written(shelf: &Shelf<'_>, target: &Target, form: Form) -> Option<(SchemaResource, Body)> {
    let Shelf { database, visible, policy, limits, saved } = shelf;
    let most = limits.characters;
    let schemas = by_schema(visible);
    let body = |page: &dyn Fn() -> String, json: &dyn Fn() -> Value| match form {
        Form::Markdown => Body::Markdown(page()),
        Form::Json => Body::Json(json()),
    };
    Some(match target {
        Target::Database => (
            entry::database(database, visible),
            body(&|| page::database(database, visible, &schemas), &|| {
                document::database(database, visible, &schemas, most)
            }),
        ),
        Target::Schema(name) => {
            let (name, relations) = schemas.get_key_value(name.as_str())?;
            let body = body(&|| page::schema(visible, name, relations), &|| {
                document::schema(visible, name, relations, most)
            });
            (entry::schema(database, visible, name, relations), body)
        }
        Target::Relation(name) => {
            let relation = visible.relation(name)?;
            let body = body(&|| page::relation(visible, relation), &|| value(Shape::new(visible, relation)));
            (entry::relation(database, relation), body)
        }
        Target::Policy => {
            let words = PolicyWords::new(database, visible, policy, limits);
            (entry::policy(database), body(&|| words.page(), &|| value(&words)))
        }
        Target::Routines => {
            let all = functions::all(visible);
            let body = body(&|| functions::page("Functions that may be called", &all), &|| {
                functions::document(&all)
            });
            (entry::routines(database), body)
        }
        Target::Routine(name) => {
            let found = functions::of_name(visible, name)?;
            let title = format!("Function {}", page::inline(&name.to_string()));
            let body = body(&|| functions::page(&title, &found), &|| functions::document(&found));
            (entry::routine(database, name), body)
        }
        Target::Queries => {
            let all: Vec<&Saved> = saved.iter().collect();
            let body = body(&|| queries::page("Saved queries", &all), &|| queries::document(&all));
            (entry::queries(database), body)
        }
        // It is none of the schema's.
        Target::Found(_) => return None,
        Target::Query(name) => {
            let found = saved.iter().find(|saved| saved.query.name == *name)?;
            let body = body(&|| queries::page("Saved query", &[found]), &|| queries::document(&[found]));
            (entry::query(database, &found.query), body)
        }
    })
}

fn value(shape: impl serde::Serialize) -> Value {
    serde_json::to_value(shape).unwrap_or_default()
}

fn by_schema<'c>(visible: &Visible<'c>) -> BTreeMap<&'c str, Vec<&'c Relation>> {
    let mut out: BTreeMap<&str, Vec<&Relation>> = BTreeMap::new();
    for relation in visible.folded() {
        out.entry(&relation.name.schema).or_default().push(relation);
    }
    out
}

#[cfg(test)]
mod tests;
