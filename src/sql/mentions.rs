//! What a statement that somebody else ran mentions, and its text without constants and comments. Nothing of it is run.

use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use super::ast::walk::{self, Visited, Visitor};
use super::ast::{FromItem, Query};
use super::check::with_stack;
use super::dialect::Postgres;
use super::{lower, parse};

/// Longer statements are not read.
const LONGEST: usize = 20_000;

/// What can be told of somebody's statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mentions {
    /// Constants are `?`; no comments; white space is one space.
    pub text: String,
    /// Names of one to three parts, as they would be looked up, in order of appearance; without those of WITH.
    pub relations: Vec<Vec<String>>,
}

/// `None` where it cannot be read whole.
pub fn mentions(sql: &str) -> Option<Mentions> {
    if sql.len() > LONGEST {
        return None;
    }
    let relations = with_stack(sql, || {
        let mut queries = lower::mentions(parse::parse(sql).ok()?).ok()?;
        let mut names = Names::default();
        for query in &mut queries {
            names.query(query).ok()?;
        }
        Some(names.relations())
    })?;
    Some(Mentions { text: anonymous(sql)?, relations })
}

#[derive(Default)]
struct Names {
    relations: Vec<Vec<String>>,
    /// Names that WITH gives to queries.
    named: Vec<String>,
}

impl Names {
    /// A name of WITH hides a relation's, wherever in the statement it stands.
    fn relations(self) -> Vec<Vec<String>> {
        let Self { relations, named } = self;
        let is_named = |parts: &[String]| matches!(parts, [name] if named.contains(name));
        let mut found: Vec<Vec<String>> = Vec::new();
        for parts in relations {
            if !is_named(&parts) && !found.contains(&parts) {
                found.push(parts);
            }
        }
        found
    }
}

impl Visitor for Names {
    fn query(&mut self, query: &mut Query) -> Visited {
        let ctes = query.with.iter().flat_map(|with| &with.ctes);
        self.named.extend(ctes.map(|cte| cte.name.text.clone()));
        walk::query(self, query)
    }

    fn item_in_from(&mut self, item: &mut FromItem) -> Visited {
        if let FromItem::Relation(relation) = item {
            self.relations.push(relation.name.iter().map(|part| part.text.clone()).collect());
        }
        walk::item_in_from(self, item)
    }
}

fn anonymous(sql: &str) -> Option<String> {
    let tokens = Tokenizer::new(&Postgres::default(), sql).tokenize().ok()?;
    let mut text = String::with_capacity(sql.len());
    for token in tokens {
        match token {
            Token::Whitespace(
                Whitespace::Space
                | Whitespace::Tab
                | Whitespace::Newline
                | Whitespace::SingleLineComment { .. }
                | Whitespace::MultiLineComment(_),
            ) => {
                if !text.is_empty() && !text.ends_with(' ') {
                    text.push(' ');
                }
            }
            Token::Word(_) | Token::Placeholder(_) => text.push_str(&token.to_string()),
            other => {
                let shown = other.to_string();
                let is_mark = !shown.contains(|c: char| c.is_alphanumeric() || matches!(c, '\'' | '"' | '$'));
                text.push_str(if is_mark { &shown } else { "?" });
            }
        }
    }
    Some(text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::mentions;

    fn relations(sql: &str) -> Option<Vec<String>> {
        Some(mentions(sql)?.relations.iter().map(|parts| parts.join(".")).collect())
    }

    #[test]
    fn the_relations_of_queries_and_changes_are_named() {
        for (sql, expected) in [
            (
                "SELECT a FROM Shop.orders AS o JOIN lines USING (id) WHERE a IN (SELECT b FROM \"Odd\")",
                "shop.orders lines Odd",
            ),
            ("WITH x AS (SELECT 1 FROM t) SELECT * FROM x, y", "t y"),
            (
                "INSERT INTO shop.t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = (SELECT max(b) FROM u) RETURNING id",
                "shop.t u",
            ),
            ("INSERT INTO t SELECT * FROM v", "t v"),
            (
                "UPDATE t SET a = $1 FROM u WHERE u.id = t.id AND EXISTS (SELECT FROM w) RETURNING (SELECT 1 FROM x)",
                "t u x w",
            ),
            ("DELETE FROM t USING u WHERE t.id IN (SELECT id FROM w)", "t u w"),
            ("SELECT $1", ""),
        ] {
            assert_eq!(relations(sql).unwrap_or_else(|| panic!("{sql}")).join(" "), expected, "{sql}");
        }
    }

    #[test]
    fn what_cannot_be_read_whole_is_not_told() {
        for sql in [
            "SELECT FROM",
            "SELECT a FROM t FOR UPDATE",
            "VACUUM t",
            "MERGE INTO t USING u ON a = b",
            &"(".repeat(30_000),
        ] {
            assert_eq!(mentions(sql), None, "{sql}");
        }
        // Nested deeper than is followed, in one run of signs that was split in time of its third power.
        assert_eq!(mentions(&format!("SELECT {}1", "-+".repeat(9_000))), None);
    }

    #[test]
    fn constants_and_comments_are_not_in_the_text() {
        for (sql, expected) in [
            (
                "SELECT a,\n\t'pw' || E'x\\n' || $$y$$ FROM t -- who\n WHERE b = 12.5e3 /* why */ AND c = $1",
                "SELECT a, ? || ? || ? FROM t WHERE b = ? AND c = $1",
            ),
            (
                "SELECT \"Odd name\", X'1f', B'01', a->>'k', INTERVAL '1 day' FROM t LIMIT 10",
                "SELECT \"Odd name\", ?, ?, a->>?, INTERVAL ? FROM t LIMIT ?",
            ),
        ] {
            assert_eq!(mentions(sql).unwrap().text, expected);
        }
    }
}
