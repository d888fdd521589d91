//! Which terms of the business a question uses, and which functions have its words.

use super::words::{asked, stems};
use crate::catalog::Routine;
use crate::gateway::visible::{Meaning, Visible};

/// Of the words of a name, or of an example question, how many are asked for at least.
const SHARE: f64 = 0.6;

/// Those whose name, synonym or example question is asked for, the best first.
pub(super) fn terms<'c>(visible: &Visible<'c>, question: &str) -> Vec<Meaning<'c>> {
    let question = asked(question);
    let score = |meaning: &Meaning<'_>| {
        let names = std::iter::once(meaning.term).chain(meaning.said.synonyms.iter().copied()).map(stems);
        let examples = meaning.said.questions.iter().map(|example| asked(example));
        names.chain(examples).map(|words| share(&words, &question)).fold(0.0, f64::max)
    };
    let mut found: Vec<_> = visible.meanings().map(|meaning| (score(&meaning), meaning)).collect();
    found.retain(|(score, _)| *score >= SHARE);
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.into_iter().map(|(_, meaning)| meaning).collect()
}

/// Those with a word of the question in their name, the most first.
pub(super) fn routines<'c>(visible: &Visible<'c>, question: &str) -> Vec<&'c Routine> {
    let question = asked(question);
    let score = |routine: &Routine| share(&stems(&routine.name.name), &question);
    let mut found: Vec<_> = visible.routines().map(|routine| (score(routine), routine)).collect();
    found.retain(|(score, _)| *score > 0.0);
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.into_iter().map(|(_, routine)| routine).collect()
}

/// How much of `words` is in the question.
fn share(words: &[String], question: &[String]) -> f64 {
    let asked = words.iter().filter(|word| question.contains(word)).count();
    match (u32::try_from(asked), u32::try_from(words.len())) {
        (Ok(asked), Ok(all)) if all > 0 => f64::from(asked) / f64::from(all),
        _ => 0.0,
    }
}
