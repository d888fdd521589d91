//! What a question calls by name: terms of the business, saved queries, functions.

use super::words::{asked, stems};
use crate::catalog::Routine;
use crate::gateway::SavedQuery;
use crate::gateway::visible::Meaning;

/// Of the words of a name, of an example question, or of the question itself, how many there are at least.
const SHARE: f64 = 0.6;

/// Those whose name, synonym or example question is asked for, the best first.
pub(super) fn terms<'c>(
    terms: impl Iterator<Item = Meaning<'c>>,
    question: &[String],
) -> impl Iterator<Item = Meaning<'c>> {
    let score = |meaning: &Meaning<'_>| {
        let names = std::iter::once(meaning.term).chain(meaning.said.synonyms.iter().copied()).map(stems);
        let examples = meaning.said.questions.iter().map(|example| asked(example));
        names.chain(examples).map(|words| share(&words, question)).fold(0.0, f64::max)
    };
    best(terms, score, SHARE).into_iter()
}

/// Those with a word of the question in their name, the most first.
pub(super) fn routines<'c>(
    routines: impl Iterator<Item = &'c Routine>,
    question: &[String],
) -> impl Iterator<Item = &'c Routine> {
    best(routines, |routine: &&Routine| share(&stems(&routine.name.name), question), f64::MIN_POSITIVE)
        .into_iter()
}

/// Those that say most of a question of several words, and so answer it; then others with a word of it in their name.
pub(super) fn saved<'c>(
    saved: impl Iterator<Item = &'c SavedQuery>,
    question: &[String],
) -> (Vec<&'c SavedQuery>, Vec<&'c SavedQuery>) {
    let says = |query: &&SavedQuery| {
        let said = stems(&format!("{} {}", query.name, query.description));
        if question.len() > 1 { share(question, &said) } else { 0.0 }
    };
    let (answers, others): (Vec<_>, Vec<_>) = saved.partition(|query| says(query) >= SHARE);
    let named = |query: &&SavedQuery| share(&stems(&query.name), question);
    (best(answers.into_iter(), says, SHARE), best(others.into_iter(), named, f64::MIN_POSITIVE))
}

/// Those that score `least`, the best first; equals in the order in which they came.
fn best<T>(all: impl Iterator<Item = T>, score: impl Fn(&T) -> f64, least: f64) -> Vec<T> {
    let mut found: Vec<(f64, T)> = all.map(|one| (score(&one), one)).collect();
    found.retain(|(score, _)| *score >= least);
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.into_iter().map(|(_, one)| one).collect()
}

/// How much of `words` is among `others`.
fn share(words: &[String], others: &[String]) -> f64 {
    let there = words.iter().filter(|word| others.contains(word)).count();
    match (u32::try_from(there), u32::try_from(words.len())) {
        (Ok(there), Ok(all)) if all > 0 => f64::from(there) / f64::from(all),
        _ => 0.0,
    }
}
