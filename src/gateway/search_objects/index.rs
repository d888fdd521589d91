//! What the relations that a caller sees say of themselves, by word.

use std::collections::{BTreeMap, HashMap};

use super::words::stems;
use crate::catalog::{Relation, closest};
use crate::gateway::visible::{Meaning, Visible};

/// How much a word tells where it stands.
const NAME: f64 = 4.0;
const COMMENT: f64 = 2.0;
const COLUMN: f64 = 1.2;
const SCHEMA: f64 = 1.0;
const LABEL: f64 = 1.0;
const COLUMN_COMMENT: f64 = 0.7;
/// What the DBA says: another name is as good as the name.
const SYNONYM: f64 = 4.0;
const TERM: f64 = 2.0;
const QUESTION: f64 = 1.0;
const COLUMN_SYNONYM: f64 = 1.2;

/// A word that only begins as another one, or is a part of it, counts for less.
const BEGINNING: f64 = 0.6;
const PART: f64 = 0.4;
const MISSPELT: f64 = 0.8;
/// Shorter words begin too many others.
const LONG: usize = 4;

pub(super) struct Index<'c> {
    pub(super) entries: Vec<Entry<'c>>,
    /// Of every word, in how many relations it stands.
    spread: BTreeMap<String, usize>,
}

/// One relation.
pub(super) struct Entry<'c> {
    pub(super) relation: &'c Relation,
    pub(super) name: Vec<String>,
    /// Other names of it.
    synonyms: Vec<Vec<String>>,
    words: HashMap<String, f64>,
    columns: Vec<(&'c str, Vec<String>)>,
}

/// A word of the question with what stands for it in this database.
pub(super) struct Meant {
    /// Words of the index, each with how well it stands for the asked one.
    forms: Vec<(String, f64)>,
    /// How rare it is, so how much it tells.
    pub(super) rarity: f64,
}

impl<'c> Index<'c> {
    pub(super) fn new(visible: &Visible<'c>, relations: &[&'c Relation]) -> Self {
        let meanings: Vec<Meaning<'_>> = visible.meanings().collect();
        let entries: Vec<_> =
            relations.iter().map(|relation| Entry::new(visible, relation, &meanings)).collect();
        let mut spread: BTreeMap<String, usize> = BTreeMap::new();
        for word in entries.iter().flat_map(|entry| entry.words.keys()) {
            *spread.entry(word.clone()).or_default() += 1;
        }
        Self { entries, spread }
    }

    pub(super) fn meant(&self, word: &str) -> Meant {
        let mut forms: Vec<(String, f64)> = Vec::new();
        if self.spread.contains_key(word) {
            forms.push((word.to_owned(), 1.0));
        }
        if word.chars().count() >= LONG {
            let others = self.spread.keys().filter(|other| *other != word);
            forms.extend(
                others
                    .clone()
                    .filter(|other| other.starts_with(word))
                    .map(|other| (other.clone(), BEGINNING)),
            );
            if forms.is_empty() {
                forms.extend(
                    others.clone().filter(|other| other.contains(word)).map(|other| (other.clone(), PART)),
                );
            }
            if forms.is_empty() {
                let begins =
                    |other: &&String| other.chars().count() >= LONG && word.starts_with(other.as_str());
                forms.extend(others.filter(begins).map(|other| (other.clone(), PART)));
            }
        }
        if forms.is_empty() {
            let near = closest(word, self.spread.keys().map(String::as_str));
            forms.extend(near.map(|near| (near.to_owned(), MISSPELT)));
        }
        let everywhere =
            forms.iter().filter_map(|(form, _)| self.spread.get(form)).copied().max().unwrap_or(0);
        Meant { forms, rarity: rarity(everywhere, self.entries.len()) }
    }
}

impl Meant {
    pub(super) fn is_one_of(&self, words: &[String]) -> bool {
        self.forms.iter().any(|(form, _)| words.contains(form))
    }
}

impl<'c> Entry<'c> {
    fn new(visible: &Visible<'c>, relation: &'c Relation, meanings: &[Meaning<'_>]) -> Self {
        let mut words: HashMap<String, f64> = HashMap::new();
        let mut note = |text: &str, weight: f64| {
            for stem in stems(text) {
                *words.entry(stem).or_default() += weight;
            }
        };
        note(&relation.name.name, NAME);
        note(&relation.name.schema, SCHEMA);
        note(relation.comment.as_deref().unwrap_or_default(), COMMENT);
        let said = visible.said_of(relation);
        note(said.note.unwrap_or_default(), COMMENT);
        note(&said.synonyms.join(" "), SYNONYM);
        note(&said.questions.join(" "), QUESTION);
        for meaning in
            meanings.iter().filter(|meaning| meaning.relations.iter().any(|one| one.oid == relation.oid))
        {
            note(&format!("{} {}", meaning.term, meaning.said.synonyms.join(" ")), TERM);
            note(&meaning.said.questions.join(" "), QUESTION);
        }
        let mut columns = Vec::new();
        // However many columns have a word, together they say it once.
        let mut of_columns: HashMap<String, f64> = HashMap::new();
        for column in visible.columns(relation) {
            let labels = visible.enum_labels(column).join(" ");
            let comment = column.comment.as_deref().unwrap_or_default();
            let dba = visible.said_of_column(relation, &column.name);
            let mut said = Vec::new();
            for (text, weight) in [
                (column.name.as_str(), COLUMN),
                (comment, COLUMN_COMMENT),
                (&labels, LABEL),
                (dba.note.unwrap_or_default(), COLUMN_COMMENT),
                (&dba.synonyms.join(" "), COLUMN_SYNONYM),
            ] {
                for stem in stems(text) {
                    let most = of_columns.entry(stem.clone()).or_default();
                    *most = most.max(weight);
                    said.push(stem);
                }
            }
            columns.push((column.name.as_str(), said));
        }
        for (stem, weight) in of_columns {
            *words.entry(stem).or_default() += weight;
        }
        let synonyms = said.synonyms.iter().map(|synonym| stems(synonym)).collect();
        Self { relation, name: stems(&relation.name.name), synonyms, words, columns }
    }

    /// 0: it is not said here; near 1: the relation is all about it.
    pub(super) fn says(&self, meant: &Meant) -> f64 {
        let said = meant.forms.iter().filter_map(|(form, share)| Some(self.words.get(form)? * share));
        let most = said.fold(0.0, f64::max);
        most / (most + COMMENT)
    }

    /// Columns that say one of them.
    pub(super) fn columns_of(&self, meant: &[Meant]) -> Vec<&'c str> {
        let says = |said: &[String]| meant.iter().any(|meant| meant.is_one_of(said));
        self.columns.iter().filter(|(_, said)| says(said)).map(|(name, _)| *name).collect()
    }

    /// The share of its name, or of another name of it, that was asked for.
    pub(super) fn named(&self, meant: &[Meant]) -> f64 {
        let asked =
            |word: &&String| meant.iter().any(|meant| meant.forms.iter().any(|(form, _)| form == *word));
        let share =
            |name: &Vec<String>| as_f64(name.iter().filter(asked).count()) / as_f64(name.len().max(1));
        self.synonyms.iter().chain([&self.name]).map(share).fold(0.0, f64::max)
    }
}

/// As in BM25 (Robertson and Zaragoza 2009, The Probabilistic Relevance Framework, 3.2).
fn rarity(with: usize, all: usize) -> f64 {
    let (with, all) = (as_f64(with), as_f64(all));
    ((all - with + 0.5) / (with + 0.5)).ln_1p()
}

fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
