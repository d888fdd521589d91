//! One field on its way into the reply.

use crate::sql::{Extent, WITHHELD};

/// Ends the text of a field that was cut.
pub(crate) const CUT_MARK: &str = "…[cut]";
/// Stands for a value of which nothing was printed.
pub(crate) const WITHHELD_MARK: &str = "…[too large]";

/// A field's text, at most as long as it may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Whole(&'a str),
    /// The beginning of a longer text; the layout writes [`CUT_MARK`] behind it.
    Cut(&'a str),
    /// Too large for PostgreSQL to print; the layout writes [`WITHHELD_MARK`].
    Withheld,
}

impl<'a> Cell<'a> {
    /// Keeps the first `most` characters.
    pub(super) fn new(text: Option<&'a str>, extent: Extent, most: usize) -> Self {
        let Some(text) = text else { return Self::Null };
        if extent == Extent::CutOrWithheld && text == WITHHELD {
            return Self::Withheld;
        }
        if text.len() <= most {
            return Self::Whole(text);
        }
        match text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)) {
            Some(kept) => Self::Cut(kept),
            None => Self::Whole(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cell;
    use crate::sql::{Extent, WITHHELD};

    #[test]
    fn a_text_of_exactly_the_bound_is_whole_and_one_more_character_is_cut() {
        let cell = |text, most| Cell::new(text, Extent::Cut, most);
        assert_eq!(cell(Some("äöü"), 3), Cell::Whole("äöü"));
        assert_eq!(cell(Some("äöüx"), 3), Cell::Cut("äöü"));
        assert_eq!(cell(Some(""), 0), Cell::Whole(""));
        assert_eq!(cell(None, 3), Cell::Null);
    }

    #[test]
    fn only_a_type_that_may_be_withheld_is() {
        assert_eq!(Cell::new(Some(WITHHELD), Extent::CutOrWithheld, 3), Cell::Withheld);
        assert_eq!(Cell::new(Some(WITHHELD), Extent::Cut, 100), Cell::Whole(WITHHELD));
    }
}
