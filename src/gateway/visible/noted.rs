//! The notes as a caller sees them.
//!
//! INVARIANT: a note on what is hidden does not exist; nor does a term that is read from something hidden, nor a text that
//! names it.

use serde::Serialize;

use super::{Visible, words};
use crate::catalog::Relation;
use crate::gateway::notes::{Note, Notes, Term};
use crate::pg::{QualifiedName, identifiers};

/// What is said of one thing, without what this caller may not be told.
#[derive(Default, Serialize)]
pub(in crate::gateway) struct Said<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) note: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) unit: Option<&'c str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::gateway) synonyms: Vec<&'c str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::gateway) questions: Vec<&'c str>,
}

/// A word of the business with what it is read from.
pub(in crate::gateway) struct Meaning<'c> {
    pub(in crate::gateway) term: &'c str,
    pub(in crate::gateway) said: Said<'c>,
    pub(in crate::gateway) relations: Vec<&'c Relation>,
}

impl<'c> Visible<'c> {
    /// With what `notes` say.
    pub(in crate::gateway) fn noted(self, notes: &'c Notes) -> Self {
        Self { notes: Some(notes), ..self }
    }

    /// What the database is, in the DBA's words; else its COMMENT.
    pub(in crate::gateway) fn about(&self) -> Option<&'c str> {
        let about = self.notes.and_then(|notes| notes.about.as_deref());
        about.or(self.catalog.contents().comment.as_deref())
    }

    pub(in crate::gateway) fn said_of(&self, relation: &Relation) -> Said<'c> {
        let visible = self.relation(&relation.name).is_some();
        let note = self.notes.filter(|_| visible).and_then(|notes| notes.relations.get(&relation.name));
        note.map(|note| self.said(note)).unwrap_or_default()
    }

    pub(in crate::gateway) fn said_of_column(&self, relation: &Relation, column: &str) -> Said<'c> {
        let visible = self.has_column(relation, column);
        let name = || (relation.name.clone(), column.to_owned());
        let note = self.notes.filter(|_| visible).and_then(|notes| notes.columns.get(&name()));
        note.map(|note| self.said(note)).unwrap_or_default()
    }

    /// In the order of the file.
    pub(in crate::gateway) fn meanings(&self) -> impl Iterator<Item = Meaning<'c>> {
        self.notes.into_iter().flat_map(|notes| &notes.terms).filter_map(|term| self.meaning(term))
    }

    fn meaning(&self, term: &'c Term) -> Option<Meaning<'c>> {
        let relations = term.relations.iter().map(|(name, _)| self.relation(name));
        let relations = relations.collect::<Option<Vec<_>>>()?;
        let said = self.said(&term.note);
        // Half of a meaning is none.
        (self.may_tell(&term.name) && said.note.is_some()).then_some(Meaning {
            term: &term.name,
            said,
            relations,
        })
    }

    fn said(&self, note: &'c Note) -> Said<'c> {
        let told = |text: &'c Option<String>| text.as_deref().filter(|text| self.may_tell(text));
        let all = |texts: &'c [String]| texts.iter().map(String::as_str).filter(|text| self.may_tell(text));
        Said {
            note: told(&note.text),
            unit: told(&note.unit),
            synonyms: all(&note.synonyms).collect(),
            questions: all(&note.questions).collect(),
        }
    }

    /// Prose names nothing hidden: no relation or schema, and of columns and functions none whose name can only be one:
    /// `total` is a word as well.
    fn may_tell(&self, text: &str) -> bool {
        let pieces = text.split(|c: char| !(c.is_alphanumeric() || "_$.\"".contains(c)));
        let dotted = pieces.map(|piece| piece.trim_matches('.')).filter(|piece| piece.contains('.'));
        !words(text).any(|word| self.tells_of_hidden(word))
            && !dotted.into_iter().any(|name| self.is_hidden(name))
    }

    /// A word of it is the name of columns that are all hidden.
    pub(in crate::gateway) fn names_hidden_column(&self, text: &str) -> bool {
        words(text).any(|word| self.is_hidden_column(word, |_| true))
    }

    fn tells_of_hidden(&self, word: &str) -> bool {
        let lower = word.to_lowercase();
        let only_a_name = word.contains(|c: char| c == '_' || c == '$' || c.is_ascii_digit());
        let hidden = |word: &str| {
            self.hidden_names.contains(word) && (only_a_name || self.is_relation_or_schema(word))
        };
        hidden(word) || hidden(&lower) || only_a_name && self.is_hidden_column(&lower, |_| true)
    }

    fn is_relation_or_schema(&self, name: &str) -> bool {
        let mut relations = self.catalog.relations().iter().map(|relation| &relation.name);
        relations.any(|other| other.schema == name || other.name == name)
            || self.catalog.schema(name).is_some()
    }

    /// `schema.relation`, `relation.column` or `schema.relation.column` that is there, and not for this caller.
    fn is_hidden(&self, dotted: &str) -> bool {
        let parts = identifiers(dotted).unwrap_or_default();
        let [first, second, rest @ ..] = parts.as_slice() else { return false };
        let name = QualifiedName::new(first, second);
        let hidden_relation = self.catalog.relation(&name).is_some() && self.relation(&name).is_none();
        hidden_relation
            || match rest.first() {
                Some(column) => self.is_hidden_column(column, |relation| relation.name == name),
                None => self.is_hidden_column(second, |relation| relation.name.name == *first),
            }
    }

    /// Some of the relations have it, and none of them shows it.
    fn is_hidden_column(&self, column: &str, of: impl Fn(&Relation) -> bool) -> bool {
        let has = |relation: &&Relation| of(relation) && relation.columns.iter().any(|c| c.name == column);
        let mut having = self.catalog.relations().iter().filter(has).peekable();
        having.peek().is_some() && !having.any(|relation| self.has_column(relation, column))
    }
}

#[cfg(test)]
mod tests;
