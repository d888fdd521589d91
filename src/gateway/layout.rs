//! A statement with a line for each clause, for people. Only spaces change.

/// Each starts a line where it stands in a query, not in a call such as `extract(year FROM x)`.
const CLAUSES: [&str; 12] = [
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "WINDOW",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "INTERSECT",
    "EXCEPT",
];
const QUERIES: [&str; 3] = ["SELECT", "WITH", "VALUES"];

/// `sql`, as it was printed.
pub fn lines(sql: &str) -> String {
    let words = words(sql);
    let mut out = String::new();
    // One for each open parenthesis: is a query in it?
    let mut open: Vec<bool> = Vec::new();
    let mut before = "";
    for (at, word) in words.iter().enumerate() {
        match *word {
            "" => {
                if !out.ends_with('\n') && !out.ends_with(' ') {
                    out.push(' ');
                }
                continue;
            }
            "(" => {
                let next = words.get(at.saturating_add(1)).copied().unwrap_or_default();
                open.push(QUERIES.contains(&next));
                out.push('(');
                if open.last() == Some(&true) {
                    line(&mut out, &open);
                }
            }
            ")" => {
                if open.pop() == Some(true) {
                    line(&mut out, &open);
                }
                out.push(')');
            }
            word => {
                let in_query = open.last().copied().unwrap_or(true);
                if in_query && before != "DISTINCT" && CLAUSES.contains(&word) {
                    line(&mut out, &open);
                }
                out.push_str(word);
            }
        }
        before = word;
    }
    out
}

fn line(out: &mut String, open: &[bool]) {
    out.truncate(out.trim_end().len());
    out.push('\n');
    let depth = open.iter().filter(|query| **query).count();
    out.push_str(&"  ".repeat(depth));
}

/// Parentheses, runs of spaces (as an empty word), and what is between them; quoted texts whole.
fn words(sql: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '(' | ')' => 1,
            c if c.is_whitespace() => rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len()),
            _ => word_end(rest),
        };
        let Some((word, behind)) = rest.split_at_checked(end) else { break };
        out.push(if word.trim().is_empty() { "" } else { word });
        rest = behind;
    }
    out
}

/// Where the word ends that `text` starts with.
fn word_end(text: &str) -> usize {
    let mut quote: Option<char> = None;
    let mut escapes = false;
    let mut escaped = false;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if escapes && c == '\\' => escaped = true,
            // A doubled quote closes and opens again.
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                escapes = c == '\'' && matches!(before, 'E' | 'e');
            }
            None if c.is_whitespace() || matches!(c, '(' | ')') => return at,
            None => {}
        }
        before = c;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn clauses_and_subqueries_have_lines_of_their_own_and_nothing_else_changes() {
        let sql = "SELECT a, EXTRACT(year FROM b) FROM (SELECT * FROM \"x FROM\" WHERE c = '(' OFFSET 0) AS y \
                   WHERE a IS DISTINCT FROM E'it\\'s ) FROM' AND b IN (1, 2) ORDER BY max(a) OVER (ORDER BY b)";
        let expected = "SELECT a, EXTRACT(year FROM b)\nFROM (\n  SELECT *\n  FROM \"x FROM\"\n  WHERE c = '('\n  OFFSET 0\n) AS y\n\
                        WHERE a IS DISTINCT FROM E'it\\'s ) FROM' AND b IN (1, 2)\nORDER BY max(a) OVER (ORDER BY b)";
        assert_eq!(lines(sql), expected);
    }
}
