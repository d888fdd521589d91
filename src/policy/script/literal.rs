//! Texts as they may stand in a script.

use crate::pg::quote_ident;

/// A string constant, whatever `standard_conforming_strings` is.
pub(super) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

/// `ARRAY['a', 'b']::text[]`
pub(super) fn array<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(literal).collect();
    format!("ARRAY[{}]::text[]", texts.join(", "))
}

pub(super) fn names<'t>(names: impl IntoIterator<Item = &'t String>) -> String {
    names.into_iter().map(|name| quote_ident(name)).collect::<Vec<_>>().join(", ")
}

/// What stands behind `--`: a name with a line break in it must not end the comment.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_constant_or_its_comment() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\' --"), "E'a\\\\'' --'");
        assert_eq!(array(["a", "b'c"]), "ARRAY['a', 'b''c']::text[]");
        assert_eq!(comment("a\nDROP TABLE b;\r"), "a DROP TABLE b; ");
    }
}
