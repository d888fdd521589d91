//! A statement's canonical text for records of it: as it is, or without its literals.
//!
//! Literals are left out by the printer that prints every statement, from the tree: none is overlooked.

use super::check::with_stack;
use super::{lower, parse, render};

/// What becomes of the literals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Literals {
    Kept,
    /// Each is a `?`; NULL and the numbers of parameters stay.
    Redacted,
}

/// Prints `sql` anew. `checked`: it was printed by us, so that the limits for callers' texts do not hold. `None` where it is no
/// statement that we have nodes for. Nothing is decided about it: the text must not be run.
pub fn reprinted(sql: &str, checked: bool, literals: Literals) -> Option<String> {
    let parse = if checked { parse::parse_again } else { parse::parse };
    with_stack(sql, || {
        let query = parse(sql).and_then(lower::statement);
        let printed = match query {
            Ok(statement) => render::recorded(&statement, literals),
            Err(_) => render::recorded_write(&lower::write(parse(sql).ok()?).ok()?, literals),
        };
        printed.ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(sql: &str) -> String {
        reprinted(sql, false, Literals::Redacted).unwrap_or_else(|| panic!("{sql}"))
    }

    #[test]
    fn no_literal_of_any_kind_is_left() {
        let queries = [
            "WITH c AS (SELECT 'kanari' AS a, 4711.25 AS b) SELECT a, -4711, E'kanari\\n2', $$kanari-3$$ FROM c",
            "SELECT B'1011', X'1FF47', INTERVAL '4711 days', DATE '2047-11-01', CAST('kanari' AS text)",
            "SELECT ARRAY['kanari-4'], ROW(4711, TRUE), coalesce(a, 'kanari'), a[4711], nullif(a, 4711) FROM t",
            "SELECT CASE WHEN a LIKE 'kanari%' ESCAPE '!' THEN 4711 ELSE 47 END, b = FALSE, b IS TRUE FROM t",
            "SELECT (SELECT max(x) FROM generate_series(4711, 4712) AS x), a IN ('kanari-6', $1) FROM t",
            "SELECT sum(b) OVER (ORDER BY a ROWS BETWEEN 4711 PRECEDING AND 4712 FOLLOWING) FROM t",
            "SELECT a FROM t TABLESAMPLE SYSTEM (47.11) REPEATABLE (4711) WHERE b = ANY (ARRAY[4711])",
            "SELECT a FROM t WHERE a BETWEEN 'kanari-7' AND 'kanari-8' OR a ~ 'kanari' OR a IS NOT NULL",
            "SELECT a FROM t GROUP BY a HAVING count(*) > 4711 ORDER BY a || 'kanari-9' LIMIT 4711 OFFSET 4712",
            "VALUES ('kanari', 4711), (NULL, $1) UNION ALL SELECT 'kanari', x FROM (SELECT 4711) AS s (x)",
        ];
        for query in queries {
            let printed = redacted(query);
            for literal in ["kanari", "47", "FALSE", "1011", "1FF", "= TRUE"] {
                assert!(!printed.contains(literal), "{literal}: {printed}");
            }
            assert!(printed.contains('?'), "{printed}");
        }
        assert!(redacted(queries[4]).contains("$1") && redacted(queries[7]).contains("IS NOT NULL"));
    }

    #[test]
    fn statements_that_write_lose_theirs_too() {
        for sql in [
            "INSERT INTO s.t (a, b) VALUES ('kanari', 4711), (DEFAULT, $1) \
             ON CONFLICT (a) DO UPDATE SET b = 4711 WHERE t.a <> 'kanari' RETURNING a || 'kanari'",
            "UPDATE s.t SET a = 'kanari', b = 4711 FROM s.u WHERE u.b = 4711",
            "DELETE FROM s.t USING s.u WHERE t.a = 'kanari'",
            "MERGE INTO s.t USING (VALUES ('kanari', 4711)) AS v (a, b) ON t.a = v.a AND t.b = 4711 \
             WHEN MATCHED AND t.a = 'kanari' THEN UPDATE SET b = 4711 WHEN NOT MATCHED THEN INSERT (a) VALUES ('kanari')",
        ] {
            let printed = redacted(sql);
            assert!(!printed.contains("kanari") && !printed.contains("4711"), "{printed}");
            assert!(printed.contains('?'), "{printed}");
        }
    }

    #[test]
    fn what_is_kept_is_the_canonical_text_and_what_is_no_statement_is_nothing() {
        let kept = reprinted("select  'a' , 1", false, Literals::Kept);
        assert_eq!(kept.as_deref(), Some("SELECT 'a', 1"));
        assert_eq!(reprinted("SELECT 'kanari", false, Literals::Redacted), None);
        assert_eq!(reprinted("DROP TABLE kanari", false, Literals::Redacted), None);
    }
}
