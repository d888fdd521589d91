//! Where names of the print stand in the caller's text: PostgreSQL counts in the print, which the caller never saw.

use crate::pg::Position;

/// What stands behind one of these belongs to something else than the name before.
const BOUNDS: [&str; 5] = [", ", " AND ", " OR ", " WHERE ", "SELECT "];

/// In ascending order of the print.
#[derive(Clone, Debug)]
pub struct Places(Vec<(usize, Position)>);

impl Default for Places {
    fn default() -> Self {
        Self(Vec::with_capacity(64))
    }
}

impl Places {
    /// What is printed next at `offset` bytes has its place at `at`.
    pub fn note(&mut self, offset: usize, at: Position) {
        self.0.push((offset, at));
    }

    /// Of the last name at or before `character` of `text`, counted from 1: PostgreSQL points at names, and at operators
    /// and constants behind them.
    pub fn nearest(&self, text: &str, character: u32) -> Option<Position> {
        let number = usize::try_from(character).ok()?.checked_sub(1)?;
        let (offset, _) = text.char_indices().nth(number)?;
        let after = self.0.partition_point(|(noted, _)| *noted <= offset);
        let (noted, at) = self.0.get(after.checked_sub(1)?)?;
        let between = text.get(*noted..offset)?;
        let elsewhere = BOUNDS.iter().any(|bound| between.contains(bound));
        (!elsewhere).then_some(*at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_before_the_fault_is_found() {
        let at = |column| Position { line: 1, column };
        let text = "é(\"a\" = \"b\")";
        let mut places = Places::default();
        places.note(text.find("\"a\"").unwrap(), at(7));
        places.note(text.find("\"b\"").unwrap(), at(11));
        assert_eq!(places.nearest(text, 2), None);
        assert_eq!(places.nearest(text, 3), Some(at(7)));
        assert_eq!(places.nearest(text, 7), Some(at(7)));
        assert_eq!(places.nearest(text, 9), Some(at(11)));
        assert_eq!(places.nearest("é(\"a\", 1)", 8), None);
        assert_eq!(places.nearest(text, 0), None);
        assert_eq!(places.nearest(text, 99), None);
    }
}
