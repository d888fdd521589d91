//! How well a relation answers some words.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::catalog::{Relation, closest};
use crate::gateway::visible::Visible;

/// The words of a query, in lower case.
pub(super) struct Words(Vec<String>);

/// A relation with the columns that matched.
pub(super) struct Hit<'c> {
    pub(super) relation: &'c Relation,
    pub(super) columns: Vec<&'c str>,
    /// How many of the words were found in it: counts more than the score.
    pub(super) words: usize,
    pub(super) score: u32,
}

impl Words {
    pub(super) fn new(query: &str) -> Self {
        let separator = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
        let mut words: Vec<String> = Vec::new();
        for word in query.split(separator).filter(|word| !word.is_empty()) {
            let word = word.to_lowercase();
            if !words.contains(&word) {
                words.push(word);
            }
        }
        Self(words)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hits in order. A word that is nowhere stands for the name that it is a typing error of.
    pub(super) fn rank<'c>(&self, visible: &Visible<'c>, relations: &[&'c Relation]) -> Vec<Hit<'c>> {
        let hits = self.hits(visible, relations);
        let corrected = if hits.is_empty() { self.corrected(visible, relations) } else { None };
        let mut hits = corrected.map_or(hits, |words| words.hits(visible, relations));
        hits.sort_by_key(|hit| (Reverse((hit.words, hit.score)), &hit.relation.name));
        hits
    }

    fn hits<'c>(&self, visible: &Visible<'c>, relations: &[&'c Relation]) -> Vec<Hit<'c>> {
        relations.iter().map(|relation| self.hit(visible, relation)).filter(|hit| hit.words > 0).collect()
    }

    fn hit<'c>(&self, visible: &Visible<'c>, relation: &'c Relation) -> Hit<'c> {
        let mut hit = Hit { relation, columns: Vec::new(), words: 0, score: 0 };
        for word in &self.0 {
            let mut score = name_score(&relation.name.name, word) * 3;
            score += u32::from(relation.name.schema.to_lowercase() == *word) * 15;
            score += relation.comment.as_deref().map_or(0, |comment| prose_score(comment, word));
            for column in visible.columns(relation) {
                let labels = visible.enum_labels(column).iter().any(|label| label.to_lowercase() == *word);
                let matched = name_score(&column.name, word)
                    + column.comment.as_deref().map_or(0, |comment| prose_score(comment, word))
                    + u32::from(labels) * 12;
                if matched > 0 && !hit.columns.contains(&column.name.as_str()) {
                    hit.columns.push(&column.name);
                }
                score += matched;
            }
            hit.words += usize::from(score > 0);
            hit.score += score;
        }
        hit
    }

    fn corrected<'c>(&self, visible: &Visible<'c>, relations: &[&'c Relation]) -> Option<Words> {
        let names: BTreeSet<&str> = relations
            .iter()
            .flat_map(|relation| {
                let columns = visible.columns(relation).map(|column| column.name.as_str());
                columns.chain([relation.name.name.as_str()])
            })
            .collect();
        let near: Vec<String> = self
            .0
            .iter()
            .filter_map(|word| closest(word, names.iter().copied()))
            .map(str::to_lowercase)
            .collect();
        (!near.is_empty()).then_some(Words(near))
    }
}

/// The whole name, one of its words, its beginning, or a part of it.
fn name_score(name: &str, word: &str) -> u32 {
    let name = name.to_lowercase();
    let is_word = |part: &str| singular(part) == singular(word);
    if is_word(&name) {
        30
    } else if name.split(|c: char| !c.is_alphanumeric()).any(is_word) {
        18
    } else if word.chars().count() >= 3 && name.starts_with(word) {
        10
    } else if word.chars().count() >= 3 && name.contains(word) {
        6
    } else {
        0
    }
}

fn prose_score(comment: &str, word: &str) -> u32 {
    let mut words = comment.split(|c: char| !c.is_alphanumeric());
    if words.any(|part| singular(&part.to_lowercase()) == singular(word)) { 8 } else { 0 }
}

/// English plurals, roughly: what matters is that both forms come out the same.
fn singular(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) if stem.len() > 1 => format!("{stem}y"),
        _ if word.ends_with("ss") => word.to_owned(),
        _ => word.strip_suffix('s').filter(|stem| stem.len() > 2).unwrap_or(word).to_owned(),
    }
}
