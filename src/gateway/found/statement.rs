//! The statements that read documents: fixed parts, names of the configuration in quotes, and bound parameters. Each goes
//! through `sql::check` as the caller's own would.

use super::{Documents, Matching};
use crate::pg::quote_ident;

/// Weighs words of the title most.
const OF_TITLE: &str = "'A'";
/// Of a row, characters that are searched.
const SEARCHED_CHARS: u32 = 125_000;

/// A source as one caller sees it: the columns by which rows may be looked for are those that no mask covers.
pub(super) struct Open<'d> {
    pub(super) documents: &'d Documents,
    /// Title and text, as far as they may be looked into.
    pub(super) searched: Vec<&'d str>,
    /// The column of type tsvector may be looked into.
    pub(super) has_vector: bool,
    /// Rows that come before the others may be told by their titles.
    pub(super) weighs_title: bool,
}

impl Open<'_> {
    /// Ids, then the title; `$1` is the question, `$2` the same for rows that have only some of its words. `None` where
    /// nothing may be looked into.
    pub(super) fn search(&self, rows: u64) -> Option<String> {
        let (condition, order) = match &self.documents.matching {
            Matching::Fulltext { language, .. } => {
                let vector = self.vector(language)?;
                let query = |number: u8| format!("websearch_to_tsquery('{language}', ${number}::text)");
                let of_title = match self.weighs_title {
                    true => {
                        let title = bounded(&text(&self.documents.title));
                        let title = format!("setweight(to_tsvector('{language}', {title}), {OF_TITLE})");
                        format!("ts_rank({title}, {}) + ", query(2))
                    }
                    false => String::new(),
                };
                let rank = format!("{of_title}ts_rank({vector}, {})", query(2));
                let order = format!("{vector} @@ {} DESC, {rank} DESC", query(1));
                (format!("{vector} @@ {}", query(2)), order)
            }
            Matching::Trigram => {
                let first = self.searched.first()?;
                let each = |write: fn(&str) -> String| {
                    self.searched.iter().map(|column| write(column)).collect::<Vec<_>>()
                };
                let like = each(|column| format!("{}::text % $1::text", quote_ident(column))).join(" OR ");
                let likeness = each(|column| format!("similarity({}, $1::text)", text(column)));
                let likeness = match likeness.as_slice() {
                    [_] => format!("similarity({}, $1::text)", text(first)),
                    many => format!("greatest({})", many.join(", ")),
                };
                (like, format!("{likeness} DESC"))
            }
        };
        let ids = self.documents.id.iter().map(|column| quote_ident(column)).collect::<Vec<_>>().join(", ");
        Some(format!(
            "SELECT {} FROM {} WHERE {condition} ORDER BY {order}, {ids} LIMIT {rows}",
            self.named(&[]),
            self.documents.relation.quoted(),
        ))
    }

    /// Parameters of [`Self::search`] for a question.
    pub(super) fn asked(&self, question: &str) -> Vec<Option<String>> {
        let both = [Some(question.to_owned()), Some(widened(question))];
        match self.documents.matching {
            Matching::Fulltext { .. } => both.into(),
            Matching::Trigram => both.into_iter().take(1).collect(),
        }
    }

    /// Ids, the title, and the texts of the row whose ids are `$1`, `$2`, ..
    pub(super) fn fetch(&self) -> String {
        let same =
            (1..).zip(&self.documents.id).map(|(number, id)| format!("{} = ${number}", quote_ident(id)));
        format!(
            "SELECT {} FROM {} WHERE {} LIMIT 1",
            self.named(&self.documents.text),
            self.documents.relation.quoted(),
            same.collect::<Vec<_>>().join(" AND "),
        )
    }

    /// As text, under names that no column has to share.
    fn named(&self, texts: &[String]) -> String {
        let columns = self.documents.id.iter().chain([&self.documents.title]).chain(texts);
        let named = (1..)
            .zip(columns)
            .map(|(number, column)| format!("{}::text AS found_{number}", quote_ident(column)));
        named.collect::<Vec<_>>().join(", ")
    }

    fn vector(&self, language: &str) -> Option<String> {
        match &self.documents.matching {
            Matching::Fulltext { vector: Some(column), .. } if self.has_vector => Some(quote_ident(column)),
            _ => vector(language, &self.searched),
        }
    }
}

/// The vector of some columns, as an index has to be made of it.
pub(super) fn vector(language: &str, columns: &[&str]) -> Option<String> {
    let texts: Vec<String> = columns.iter().map(|column| text(column)).collect();
    let joined = texts.join(" || ' ' || ");
    (!texts.is_empty()).then(|| format!("to_tsvector('{language}', {})", bounded(&joined)))
}

/// A tsvector holds 1 MiB, and one row with more words would fail the whole search. The worst character makes seven bytes:
/// of `字-字`, the parser keeps the whole and the parts.
fn bounded(text: &str) -> String {
    format!("left({text}, {SEARCHED_CHARS})")
}

fn text(column: &str) -> String {
    format!("coalesce({}::text, '')", quote_ident(column))
}

/// A question of plain words asks for any of them: people ask in whole sentences. Who writes quotes, `-` or `or` says what
/// they mean.
fn widened(question: &str) -> String {
    let words: Vec<&str> = question.split_whitespace().collect();
    let means = |word: &&str| word.starts_with('-') || word.eq_ignore_ascii_case("or") || word.contains('"');
    if words.iter().any(means) { question.to_owned() } else { words.join(" or ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::QualifiedName;

    #[test]
    fn plain_words_are_widened_and_the_signs_of_a_search_are_kept() {
        assert_eq!(widened("how do I  return it?"), "how or do or I or return or it?");
        for kept in ["\"late parcel\"", "parcel -late", "a OR b"] {
            assert_eq!(widened(kept), kept);
        }
    }

    #[test]
    fn names_are_quoted_and_values_are_parameters() {
        let documents = Documents {
            name: "odd".to_owned(),
            relation: QualifiedName::new("shop", "odd \"x\"; DROP"),
            id: vec!["a\"; DROP".to_owned()],
            title: "t'".to_owned(),
            text: vec!["b".to_owned()],
            matching: Matching::Fulltext { language: "english".to_owned(), vector: None },
            url: None,
        };
        let open =
            Open { documents: &documents, searched: vec!["t'", "b"], has_vector: false, weighs_title: false };
        assert_eq!(
            open.fetch(),
            r#"SELECT "a""; DROP"::text AS found_1, "t'"::text AS found_2, "b"::text AS found_3 FROM "shop"."odd ""x""; DROP" WHERE "a""; DROP" = $1 LIMIT 1"#
        );
        let nothing = Open { searched: Vec::new(), ..open };
        assert_eq!(nothing.search(5), None);
    }
}
