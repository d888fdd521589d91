//! From the text of a file to [`Notes`]. What is not understood is an error with its place.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::document::{Document, Text};
use super::{Note, Notes, NotesError, Term};
use crate::pg::{QualifiedName, identifiers};
use crate::policy::{Place, explain};

/// Characters of one text. All of it is paid for in every answer that shows it.
const LONGEST: usize = 1_000;

impl Notes {
    /// `file` only serves messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, NotesError> {
        let reading = Reading { file: Arc::from(file), text };
        let document: Document = toml::from_str(text)
            .map_err(|e| reading.error(e.span().map_or(0, |span| span.start), explain(e.message())))?;
        if *document.version.get_ref() != 1 {
            let message = format!("version {} is not known; write version = 1", document.version.get_ref());
            return Err(reading.error(document.version.span().start, message));
        }
        let mut notes = Self { about: reading.maybe(document.about.as_ref())?, ..Self::default() };
        for relation in &document.relation {
            let name = reading.relation(&relation.name)?;
            let note = Note {
                text: reading.maybe(relation.note.as_ref())?,
                synonyms: reading.each(&relation.synonyms)?,
                unit: None,
                questions: reading.each(&relation.questions)?,
                place: reading.place(&relation.name),
            };
            if notes.relations.insert(name, note).is_some() {
                return Err(reading.twice(&relation.name));
            }
        }
        for column in &document.column {
            let name = reading.column(&column.name)?;
            let note = Note {
                text: reading.maybe(column.note.as_ref())?,
                synonyms: reading.each(&column.synonyms)?,
                unit: reading.maybe(column.unit.as_ref())?,
                questions: Vec::new(),
                place: reading.place(&column.name),
            };
            if notes.columns.insert(name, note).is_some() {
                return Err(reading.twice(&column.name));
            }
        }
        let mut named = BTreeSet::new();
        for term in &document.term {
            let name = reading.needed(&term.name)?;
            if !named.insert(name.to_lowercase()) {
                return Err(reading.twice(&term.name));
            }
            let relations = term.relations.iter();
            notes.terms.push(Term {
                name,
                note: Note {
                    text: Some(reading.needed(&term.note)?),
                    synonyms: reading.each(&term.synonyms)?,
                    unit: None,
                    questions: reading.each(&term.questions)?,
                    place: reading.place(&term.name),
                },
                relations: relations
                    .map(|name| Ok((reading.relation(name)?, reading.place(name))))
                    .collect::<Result<_, _>>()?,
            });
        }
        Ok(notes)
    }
}

/// The file while it is read.
struct Reading<'r> {
    file: Arc<str>,
    text: &'r str,
}

impl Reading<'_> {
    fn error(&self, at: usize, message: impl Into<String>) -> NotesError {
        NotesError::new(&Place::of(&self.file, self.text, at), message)
    }

    fn place(&self, name: &Text) -> Place {
        Place::of(&self.file, self.text, name.span().start)
    }

    fn twice(&self, name: &Text) -> NotesError {
        self.error(name.span().start, format!("`{}` has its note already", name.get_ref()))
    }

    fn relation(&self, name: &Text) -> Result<QualifiedName, NotesError> {
        match self.parts(name).as_slice() {
            [schema, relation] => Ok(QualifiedName::new(schema, relation)),
            _ => {
                let message = format!("`{}` is no relation: write `schema.relation`", name.get_ref());
                Err(self.error(name.span().start, message))
            }
        }
    }

    fn column(&self, name: &Text) -> Result<(QualifiedName, String), NotesError> {
        match self.parts(name).as_slice() {
            [schema, relation, column] => Ok((QualifiedName::new(schema, relation), column.clone())),
            _ => {
                let message = format!("`{}` is no column: write `schema.relation.column`", name.get_ref());
                Err(self.error(name.span().start, message))
            }
        }
    }

    /// As SQL reads them.
    fn parts(&self, name: &Text) -> Vec<String> {
        let parts = identifiers(name.get_ref()).unwrap_or_default();
        if parts.iter().any(String::is_empty) { Vec::new() } else { parts }
    }

    /// An empty text says nothing, as in a draft that is not filled in.
    fn maybe(&self, text: Option<&Text>) -> Result<Option<String>, NotesError> {
        let Some(spanned) = text else { return Ok(None) };
        let text = spanned.get_ref().trim();
        let length = text.chars().count();
        if length > LONGEST {
            let message = format!("this text has {length} characters; {LONGEST} are possible");
            return Err(self.error(spanned.span().start, message));
        }
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    fn needed(&self, text: &Text) -> Result<String, NotesError> {
        self.maybe(Some(text))?.ok_or_else(|| self.error(text.span().start, "this text is empty"))
    }

    fn each(&self, texts: &[Text]) -> Result<Vec<String>, NotesError> {
        texts.iter().map(|text| self.needed(text)).collect()
    }
}
