//! One field on its way into the reply.

/// Ends the text of a field that was cut.
pub(crate) const CUT_MARK: &str = "…[cut]";

/// A field's text, at most as long as it may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Whole(&'a str),
    /// The beginning of a longer text; the layout writes [`CUT_MARK`] behind it.
    Cut(&'a str),
}

impl<'a> Cell<'a> {
    /// Keeps the first `most` characters.
    pub(super) fn new(text: Option<&'a str>, most: usize) -> Self {
        let Some(text) = text else { return Self::Null };
        if text.len() <= most {
            return Self::Whole(text);
        }
        match text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)) {
            Some(kept) => Self::Cut(kept),
            None => Self::Whole(text),
        }
    }

    pub(super) fn is_cut(self) -> bool {
        matches!(self, Self::Cut(_))
    }
}

#[cfg(test)]
mod tests {
    use super::Cell;

    #[test]
    fn a_text_of_exactly_the_bound_is_whole_and_one_more_character_is_cut() {
        assert_eq!(Cell::new(Some("äöü"), 3), Cell::Whole("äöü"));
        assert_eq!(Cell::new(Some("äöüx"), 3), Cell::Cut("äöü"));
        assert_eq!(Cell::new(Some(""), 0), Cell::Whole(""));
        assert_eq!(Cell::new(None, 3), Cell::Null);
    }
}
