//! Mutations: tokens of known statements dropped, doubled, exchanged, and spliced with those of others.

use super::Generator;
use super::words::TOKENS;

impl Generator {
    pub(super) fn mutation(&mut self) -> String {
        let one = self.random.below(self.pool.len());
        let mut pieces = pieces(&self.pool[one]);
        for _ in 0..1 + self.random.below(3) {
            self.change(&mut pieces);
        }
        pieces.concat()
    }

    fn change(&mut self, pieces: &mut Vec<String>) {
        let at = self.random.below(pieces.len());
        match self.random.below(8) {
            0 if pieces.len() > 1 => {
                pieces.remove(at);
            }
            1 if !pieces.is_empty() => pieces.insert(at, pieces[at].clone()),
            2 if !pieces.is_empty() => {
                let other = self.random.below(pieces.len());
                pieces.swap(at, other);
            }
            3 | 4 => {
                let token = self.random.one_of(TOKENS);
                pieces.insert(at, format!(" {token} "));
            }
            5 if !pieces.is_empty() => pieces[at] = self.random.one_of(TOKENS).to_owned(),
            _ => self.splice(at, pieces),
        }
    }

    /// A run of tokens of another statement takes the place of a run here.
    fn splice(&mut self, at: usize, pieces: &mut Vec<String>) {
        let other = self.random.below(self.pool.len());
        let donor = self::pieces(&self.pool[other]);
        let from = self.random.below(donor.len());
        let taken: Vec<String> = donor.into_iter().skip(from).take(1 + self.random.below(12)).collect();
        let until = (at + self.random.below(8)).min(pieces.len());
        pieces.splice(at.min(until)..until, taken);
    }
}

/// Words, numbers, quoted text, white space, and every other character by itself: joined, they are the text again.
fn pieces(sql: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => quoted(rest, first),
            _ if word(first) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            _ if first.is_whitespace() => rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (piece, behind) = rest.split_at(length);
        out.push(piece.to_owned());
        rest = behind;
    }
    out
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn quoted(text: &str, quote: char) -> usize {
    text.char_indices().skip(1).find(|(_, c)| *c == quote).map_or(text.len(), |(at, _)| at + quote.len_utf8())
}
