//! What notes name and the database does not have. It harms nobody, and helps nobody either.

use super::{Notes, NotesError};
use crate::catalog::{Catalog, closest};
use crate::pg::{QualifiedName, shown_ident};
use crate::policy::Place;

impl Notes {
    /// In the order of the file.
    pub fn missing(&self, catalog: &Catalog) -> Vec<NotesError> {
        let of_terms = self.terms.iter().flat_map(|term| &term.relations).map(|(name, place)| (name, place));
        let of_relations = self.relations.iter().map(|(name, note)| (name, &note.place));
        let relations =
            of_relations.chain(of_terms).filter_map(|(name, place)| relation(catalog, name, place));
        let columns = self
            .columns
            .iter()
            .filter_map(|((relation, name), note)| column(catalog, relation, name, &note.place));
        let mut missing: Vec<NotesError> = relations.chain(columns).collect();
        missing.sort_by_key(|error| (error.place.line, error.place.column));
        missing
    }
}

fn relation(catalog: &Catalog, name: &QualifiedName, place: &Place) -> Option<NotesError> {
    if catalog.relation(name).is_some() {
        return None;
    }
    let known: Vec<String> = catalog.relations().iter().map(|relation| relation.name.to_string()).collect();
    let near = near(&name.to_string(), known.iter().map(String::as_str));
    Some(NotesError::new(place, format!("relation `{name}` does not exist{near}")))
}

fn column(catalog: &Catalog, of: &QualifiedName, name: &str, place: &Place) -> Option<NotesError> {
    let Some(found) = catalog.relation(of) else { return relation(catalog, of, place) };
    if found.columns.iter().any(|column| column.name == name) {
        return None;
    }
    let near = near(name, found.columns.iter().map(|column| column.name.as_str()));
    Some(NotesError::new(place, format!("column `{of}.{}` does not exist{near}", shown_ident(name))))
}

fn near<'n>(wanted: &str, known: impl Iterator<Item = &'n str>) -> String {
    closest(wanted, known).map_or_else(String::new, |near| format!(": did you mean `{near}`?"))
}
