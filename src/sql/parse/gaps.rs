//! PostgreSQL's syntax that sqlparser has no place for: refused by its name, with another way to write it.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::rewrite::is_word;
use super::{place, unsupported};
use crate::pg::Diagnostic;

/// Behind the word of the left column, not as a name before a dot: words that follow, `(` included.
const CONSTRUCTS: &[(&str, &[&str], &str, &str)] = &[
    (
        "search",
        &["depth", "first", "by"],
        "WITH .. SEARCH",
        "carry ARRAY[key] as a path column and ORDER BY it",
    ),
    ("search", &["breadth", "first", "by"], "WITH .. SEARCH", "carry a depth column and ORDER BY depth, key"),
    (
        "rows",
        &["from", "("],
        "ROWS FROM",
        "write f() WITH ORDINALITY JOIN g() WITH ORDINALITY USING (ordinality)",
    ),
    ("overriding", &["system", "value"], "OVERRIDING", "leave the identity column out"),
    ("overriding", &["user", "value"], "OVERRIDING", "leave the identity column out"),
    ("current", &["of"], "WHERE CURRENT OF", "name the row by its key"),
    ("uescape", &[], "UESCAPE", "write the characters themselves"),
    ("xmlattributes", &["("], "xmlattributes", JSONB),
    ("xmlconcat", &["("], "xmlconcat", JSONB),
    ("xmlelement", &["("], "xmlelement", JSONB),
    ("xmlexists", &["("], "xmlexists", JSONB),
    ("xmlforest", &["("], "xmlforest", JSONB),
    ("xmlparse", &["("], "xmlparse", "write a cast: text::xml"),
    ("xmlpi", &["("], "xmlpi", JSONB),
    ("xmlroot", &["("], "xmlroot", JSONB),
    ("xmlserialize", &["("], "xmlserialize", "write a cast: xml::text"),
    ("xmltable", &["("], "XMLTABLE", "use jsonb_to_recordset over JSON"),
    ("is", &["document"], "IS DOCUMENT", "use xml_is_well_formed_document(text)"),
    ("is", &["not", "document"], "IS DOCUMENT", "use NOT xml_is_well_formed_document(text)"),
    ("json_array", &["("], "JSON_ARRAY", "use jsonb_build_array(value, ..)"),
    ("json_arrayagg", &["("], "JSON_ARRAYAGG", "use jsonb_agg(value ORDER BY ..)"),
    ("json_exists", &["("], "JSON_EXISTS", "use jsonb_path_exists(value, path)"),
    ("json_objectagg", &["("], "JSON_OBJECTAGG", "use jsonb_object_agg(key, value)"),
    ("json_query", &["("], "JSON_QUERY", "use jsonb_path_query(value, path)"),
    ("json_scalar", &["("], "JSON_SCALAR", "use to_jsonb(value)"),
    ("json_serialize", &["("], "JSON_SERIALIZE", "write a cast: value::text"),
    ("json_table", &["("], "JSON_TABLE", "use jsonb_to_recordset(value) AS t(column type, ..)"),
    ("json_value", &["("], "JSON_VALUE", "use jsonb_path_query_first(value, path)"),
    ("json_object", &["(", ")"], "JSON_OBJECT with options", OBJECT),
    ("json_object", &["(", "returning"], "JSON_OBJECT with options", OBJECT),
];
const JSONB: &str = "return the values as columns, or with jsonb_build_object";
const OBJECT: &str = "use jsonb_build_object(key, value, ..)";

/// Refuses the first of them, at its place. `tokens` are without white space.
pub fn refuse(tokens: &[TokenWithSpan]) -> Result<(), Diagnostic> {
    for (at, token) in tokens.iter().enumerate() {
        if !matches!(&token.token, Token::Word(word) if word.quote_style.is_none()) {
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| tokens.get(before)).map(|before| &before.token);
        if !can_stand(&token.token, before) {
            continue;
        }
        let rest = tokens.get(at.saturating_add(1)..).unwrap_or_default();
        let found =
            CONSTRUCTS.iter().find(|(word, then, ..)| is_word(&token.token, word) && follow(rest, then));
        let refused = match found {
            Some((_, _, what, instead)) => Some((*what, *instead)),
            None if is_cycle(token, tokens.get(..at).unwrap_or_default(), rest) => {
                Some(("WITH .. CYCLE", "carry a path array and test NOT key = ANY (path)"))
            }
            None if is_word(&token.token, "sets") && is_nested(tokens.get(..at).unwrap_or_default()) => {
                let at = tokens.get(at.saturating_sub(1)).unwrap_or(token).span.start;
                return Err(unsupported("GROUPING SETS within GROUPING SETS", "write the sets one by one")
                    .at(place(at)));
            }
            None if is_word(&token.token, "json_object") && has_pairs(rest) => {
                Some(("JSON_OBJECT with options", OBJECT))
            }
            None => None,
        };
        if let Some((what, instead)) = refused {
            return Err(unsupported(what, instead).at(place(token.span.start)));
        }
    }
    Ok(())
}

/// Not a name behind a dot; `ROWS FROM (` is no column before the FROM of a query, UESCAPE behind its string only.
fn can_stand(word: &Token, before: Option<&Token>) -> bool {
    let behind = |words: &[&str]| before.is_some_and(|token| words.iter().any(|word| is_word(token, word)));
    match before {
        Some(Token::Period) => false,
        _ if is_word(word, "rows") => behind(&["from", "join", "lateral"]),
        Some(Token::UnicodeStringLiteral(_)) => true,
        _ => !is_word(word, "uescape"),
    }
}

fn follow(rest: &[TokenWithSpan], words: &[&str]) -> bool {
    rest.len() >= words.len()
        && rest.iter().zip(words).all(|(token, word)| match *word {
            "(" => token.token == Token::LParen,
            ")" => token.token == Token::RParen,
            word => is_word(&token.token, word),
        })
}

/// `) CYCLE column [, column] SET ..`
fn is_cycle(token: &TokenWithSpan, before: &[TokenWithSpan], rest: &[TokenWithSpan]) -> bool {
    let behind_query = before.last().is_some_and(|last| {
        // Or behind `SEARCH .. SET column`, which was refused before.
        last.token == Token::RParen
    });
    let mut columns = rest.iter().skip_while(|token| match token.token {
        Token::Comma => true,
        Token::Word(_) => !is_word(&token.token, "set"),
        _ => false,
    });
    behind_query
        && is_word(&token.token, "cycle")
        && columns.next().is_some_and(|token| is_word(&token.token, "set"))
}

/// `GROUPING SETS (.., GROUPING SETS`
fn is_nested(before: &[TokenWithSpan]) -> bool {
    let Some((last, outside)) = before.split_last() else { return false };
    let mut depth = 0_usize;
    let mut open = outside.iter().rev().skip_while(|token| {
        match token.token {
            Token::RParen => depth = depth.saturating_add(1),
            Token::LParen if depth == 0 => return false,
            Token::LParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        true
    });
    let within = open.next().is_some() && open.next().is_some_and(|sets| is_word(&sets.token, "sets"));
    is_word(&last.token, "grouping") && within
}

/// A colon or VALUE at the level of the arguments, or RETURNING and its kin.
fn has_pairs(rest: &[TokenWithSpan]) -> bool {
    let mut depth = 0_usize;
    for token in rest {
        match &token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            Token::Colon if depth == 1 => return true,
            word if depth == 1 && (is_word(word, "value") || is_word(word, "returning")) => return true,
            _ => {}
        }
        if depth == 0 {
            return false;
        }
    }
    false
}
