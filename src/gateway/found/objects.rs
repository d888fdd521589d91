//! What of the schema, the notes and the saved queries is found: names as results, pages as texts.

use super::Hit;
use super::id::{self, Kind, Parsed};
use crate::auth::Caller;
use crate::gateway::resource_uri::{Address, Target};
use crate::gateway::served::Schema;
use crate::gateway::visible::{Meaning, Visible};
use crate::gateway::{Gateway, Served, search_objects};
use crate::pg::{Diagnostic, QualifiedName};

/// What an id names, and how it is called.
struct Named {
    title: String,
    target: Target,
}

/// The best first. `most` hits at the most.
pub(super) async fn search(
    gateway: &Gateway,
    caller: &Caller,
    (served, schema): (&Served, &Schema<'_>),
    question: &str,
    most: usize,
) -> Vec<Hit> {
    let (visible, database) = (schema.visible(), served.name());
    let saved = served.saved_queries(caller, None, &gateway.limits).await;
    let saved: Vec<_> = saved.iter().map(|saved| &*saved.query).collect();
    let mut hits: Vec<Hit> = Vec::new();
    for found in search_objects::ranked(&visible, &saved, question) {
        let hit = match found {
            search_objects::Hit::Relation(hit) => of_name(Kind::Table, database, &hit.relation.name),
            search_objects::Hit::Routine(routine) => of_name(Kind::Function, database, &routine.name),
            search_objects::Hit::Term(meaning) => of_word(Kind::Note, database, meaning.term),
            search_objects::Hit::Saved(query) => of_word(Kind::Query, database, &query.name),
        };
        // The overloads of a function share a page.
        if hits.len() < most && !hits.iter().any(|before| before.id == hit.id) {
            hits.push(hit);
        }
    }
    hits
}

/// Title and text. `None`: there is no such thing for the caller.
pub(super) async fn fetch(
    gateway: &Gateway,
    caller: &Caller,
    (served, schema): (&Served, &Schema<'_>),
    (id, parsed): (&str, &Parsed<'_>),
) -> Result<Option<(String, String)>, Diagnostic> {
    let (visible, database) = (schema.visible(), served.name());
    if parsed.kind == Kind::Note {
        let meaning =
            visible.meanings().find(|meaning| id::of_word(Kind::Note, database, meaning.term) == id);
        return Ok(meaning.map(|meaning| (meaning.term.to_owned(), text_of_term(&meaning))));
    }
    let saved = match parsed.kind {
        Kind::Query => served.saved_queries(caller, None, &gateway.limits).await,
        Kind::Table | Kind::Function | Kind::Note | Kind::Row => Vec::new(),
    };
    let saved = saved.iter().map(|saved| saved.query.name.as_str());
    let Some(named) = named(&visible, saved, database, (id, parsed.kind)) else { return Ok(None) };
    let uri = Address::new(database, named.target).to_string();
    let page = gateway.read_resource(caller, &uri).await?;
    Ok(page.map(|page| (named.title, page.text)))
}

fn named<'s>(
    visible: &Visible<'_>,
    mut saved: impl Iterator<Item = &'s str>,
    database: &str,
    (id, kind): (&str, Kind),
) -> Option<Named> {
    let is = |name: &&QualifiedName| id::of_name(kind, database, name) == id;
    let of_name = |name: &QualifiedName, target: fn(QualifiedName) -> Target| Named {
        title: name.to_string(),
        target: target(name.clone()),
    };
    match kind {
        Kind::Table => {
            let name = visible.relations().map(|relation| &relation.name).find(is)?;
            Some(of_name(name, Target::Relation))
        }
        Kind::Function => {
            let name = visible.routines().map(|routine| &routine.name).find(is)?;
            Some(of_name(name, Target::Routine))
        }
        Kind::Query => {
            let name = saved.find(|name| id::of_word(kind, database, name) == id)?;
            Some(Named { title: name.to_owned(), target: Target::Query(name.to_owned()) })
        }
        Kind::Note | Kind::Row => None,
    }
}

fn of_name(kind: Kind, database: &str, name: &QualifiedName) -> Hit {
    let names = vec![name.name.clone(), format!("{}.{}", name.schema, name.name)];
    Hit { id: id::of_name(kind, database, name), title: name.to_string(), own_url: None, names }
}

fn of_word(kind: Kind, database: &str, word: &str) -> Hit {
    let (id, title) = (id::of_word(kind, database, word), word.to_owned());
    Hit { id, names: vec![title.clone()], title, own_url: None }
}

fn text_of_term(meaning: &Meaning<'_>) -> String {
    let relations: Vec<String> = meaning.relations.iter().map(|relation| relation.name.to_string()).collect();
    let said = &meaning.said;
    let mut lines = vec![said.note.unwrap_or_default().to_owned()];
    if !said.synonyms.is_empty() {
        lines.push(format!("Also called {}.", said.synonyms.join(", ")));
    }
    if !relations.is_empty() {
        lines.push(format!("Read from {}.", relations.join(", ")));
    }
    lines.extend(said.questions.iter().map(|question| format!("Answers: {question}")));
    lines.join("\n\n")
}
