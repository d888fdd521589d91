//! What is refused though PostgreSQL reads it: each entry of docs/SQL.md by its message, its place and its hint.

use std::fs;

use pgwarden::sql::reprint;

/// `(construct as in the documentation, statement with the place marked by `⟦`, rule, message, part of the hint)`.
/// Those without a statement need names, and are tested where a database is: tests/postgres/security.
const REFUSED: &[(&str, &str, &str, &str, &str)] = &[
    (
        "`WITH .. SEARCH`",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t)\n⟦SEARCH DEPTH FIRST BY n SET o SELECT * FROM t",
        "sql.unsupported",
        "not supported: WITH .. SEARCH",
        "path column",
    ),
    (
        "`WITH .. CYCLE`",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n FROM t) ⟦CYCLE n SET c USING p SELECT * FROM t",
        "sql.unsupported",
        "not supported: WITH .. CYCLE",
        "NOT key = ANY (path)",
    ),
    (
        "`ROWS FROM (f(), g())`",
        "SELECT *\nFROM ⟦ROWS FROM (generate_series(1, 3), generate_series(1, 2)) AS t(a, b)",
        "sql.unsupported",
        "not supported: ROWS FROM",
        "WITH ORDINALITY JOIN",
    ),
    (
        "`GROUPING SETS` within `GROUPING SETS`",
        "SELECT 1 FROM t GROUP BY GROUPING SETS (a, ⟦GROUPING SETS (b))",
        "sql.unsupported",
        "not supported: GROUPING SETS within GROUPING SETS",
        "one by one",
    ),
    (
        "`xmlelement` and its kin, `IS DOCUMENT`",
        "SELECT 1, ⟦xmlelement(name foo, 'bar')",
        "sql.unsupported",
        "not supported: xmlelement",
        "jsonb_build_object",
    ),
    ("", "SELECT ⟦xmlforest(id, status) FROM orders", "sql.unsupported", "not supported: xmlforest", "jsonb"),
    ("", "SELECT ⟦XMLPARSE(DOCUMENT '<a/>')", "sql.unsupported", "not supported: xmlparse", "text::xml"),
    ("", "SELECT x ⟦IS NOT DOCUMENT FROM t", "sql.unsupported", "not supported: IS DOCUMENT", "NOT xml_is"),
    (
        "`XMLTABLE`, `JSON_TABLE`",
        "SELECT * FROM ⟦XMLTABLE('/r' PASSING x COLUMNS v int PATH '.')",
        "sql.unsupported",
        "not supported: XMLTABLE",
        "jsonb_to_recordset",
    ),
    (
        "",
        "SELECT * FROM ⟦JSON_TABLE('{}', '$' COLUMNS (a int PATH '$.a'))",
        "sql.unsupported",
        "not supported: JSON_TABLE",
        "jsonb_to_recordset",
    ),
    (
        "`JSON_OBJECT` with keys and options, `JSON_ARRAY`, `JSON_VALUE` and their kin",
        "SELECT ⟦JSON_OBJECT('a': 1, 'b' VALUE 2)",
        "sql.unsupported",
        "not supported: JSON_OBJECT with options",
        "jsonb_build_object",
    ),
    (
        "",
        "SELECT ⟦json_object(RETURNING text)",
        "sql.unsupported",
        "not supported: JSON_OBJECT with options",
        "jsonb",
    ),
    ("", "SELECT ⟦JSON_ARRAY(1, 2)", "sql.unsupported", "not supported: JSON_ARRAY", "jsonb_build_array"),
    ("", "SELECT ⟦JSON_ARRAYAGG(x) FROM t", "sql.unsupported", "not supported: JSON_ARRAYAGG", "jsonb_agg"),
    ("", "SELECT ⟦JSON_VALUE(x, '$.a') FROM t", "sql.unsupported", "not supported: JSON_VALUE", "jsonb_path"),
    (
        "`U&\"name\"`, `UESCAPE`, `N'..'`",
        "SELECT ⟦U&\"d\\0061ta\" FROM t",
        "sql.unsupported",
        "not supported: identifiers and strings with U& escapes",
        "the characters themselves",
    ),
    (
        "",
        "SELECT U&'d!0061' ⟦UESCAPE '!'",
        "sql.unsupported",
        "not supported: UESCAPE",
        "the characters themselves",
    ),
    ("", "SELECT ⟦N'x'", "sql.unsupported", "not supported: N'' strings", "plain '..'"),
    (
        "`0x1f`, `0b11`, `1_000`",
        "SELECT ⟦0x1f",
        "sql.unsupported",
        "not supported: hexadecimal numbers",
        "decimal digits",
    ),
    ("", "SELECT ⟦1_000", "sql.unsupported", "not supported: numbers like this", "decimal digits"),
    (
        "`(row).*` within an expression",
        "SELECT ROW((t).*) FROM t",
        "sql.unsupported",
        "not supported: `(row).*` in this place",
        "name the columns",
    ),
    (
        "`TABLESAMPLE` with a method of an extension, or a computed seed",
        "SELECT 1 FROM t TABLESAMPLE foobar (1)",
        "sql.unsupported",
        "not supported: this sampling method",
        "BERNOULLI",
    ),
    (
        "`SELECT` with nothing behind it",
        "SELECT",
        "sql.parse",
        "syntax error: expected: an expression, found: EOF",
        "",
    ),
    (
        "a comment that touches an operator (`=/* .. */`), `&>x`",
        "SELECT a ⟦<=/* x */ b FROM t",
        "sql.parse",
        "a comment directly behind an operator",
        "a space",
    ),
    ("", "SELECT a ⟦&>b FROM t", "sql.parse", "no space behind the operator `&>`", "a space"),
    (
        "`FOR UPDATE` and its kin, `SELECT INTO`, writes in WITH",
        "SELECT 1 FROM t FOR NO KEY UPDATE",
        "sql.read_only",
        "locking rows is not possible in a read-only statement",
        "leave out",
    ),
    (
        "",
        "SELECT 1 FROM t FOR KEY SHARE",
        "sql.read_only",
        "locking rows is not possible in a read-only statement",
        "",
    ),
    (
        "",
        "SELECT * INTO u FROM t",
        "sql.statement_kind",
        "SELECT INTO is not allowed: only queries can be run",
        "write one SELECT",
    ),
    (
        "`EXPLAIN ANALYZE`, `VERBOSE`, `SETTINGS`",
        "EXPLAIN ANALYZE SELECT 1",
        "sql.explain_analyze",
        "EXPLAIN ANALYZE is not allowed: it runs the statement",
        "without ANALYZE",
    ),
    ("", "EXPLAIN VERBOSE SELECT 1", "sql.unsupported", "not supported: EXPLAIN VERBOSE", "without VERBOSE"),
    ("`xpath`, `pg_input_is_valid`", "", "default.functions", "", ""),
    (
        "`EXPLAIN` over row security, or over relations that the caller may not see",
        "",
        "sql.explain_hidden",
        "",
        "",
    ),
];

#[test]
fn each_refusal_says_what_where_and_what_instead() {
    for (_, marked, rule, message, hint) in REFUSED.iter().filter(|(_, sql, ..)| !sql.is_empty()) {
        let sql = marked.replace('⟦', "");
        let no = reprint(&sql).expect_err(&sql);
        assert_eq!((no.rule.as_deref(), no.message.as_str()), (Some(*rule), *message), "{sql}");
        assert!(no.hint.as_deref().unwrap_or_default().contains(hint), "{sql}: {no}");
        if let Some((before, _)) = marked.split_once('⟦') {
            let line = before.lines().count().max(1) as u64 + u64::from(before.ends_with('\n'));
            let column = before.rsplit('\n').next().unwrap().chars().count() as u64 + 1;
            let at = no.position.unwrap_or_else(|| panic!("{sql}: no position"));
            assert_eq!((at.line, at.column), (line, column), "{sql}");
        }
    }
}

#[test]
fn the_documented_list_is_that_of_this_test() {
    let text = fs::read_to_string("docs/SQL.md").unwrap();
    let (_, table) = text.split_once("## Valid PostgreSQL that is refused").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| construct"));
    let documented: Vec<&str> =
        rows.map(|row| row.split(" | ").next().unwrap().trim_start_matches("| ")).collect();
    let mut tested: Vec<&str> =
        REFUSED.iter().map(|(construct, ..)| *construct).filter(|c| !c.is_empty()).collect();
    let mut sorted = documented.clone();
    sorted.sort_unstable();
    tested.sort_unstable();
    assert_eq!(sorted, tested);
}

/// What looks like a frame and is none, as PostgreSQL reads it.
#[test]
fn words_of_a_frame_are_types_elsewhere() {
    let print = reprint("SELECT rows '1'::int, range '[1,2)' FROM t").unwrap();
    assert_eq!(
        print,
        "SELECT CAST(CAST('1' AS \"rows\") AS \"pg_catalog\".\"int4\"), CAST('[1,2)' AS \"range\") FROM \"t\""
    );
}

/// Not in PostgreSQL's grammar, and so not read here: `a < b < c` would be another question.
#[test]
fn what_postgresql_does_not_read_is_not_read() {
    for sql in [
        "SELECT 1 < 2 < 3",
        "SELECT a = b = c FROM t",
        "SELECT ARRAY[1, 2, 3][2]",
        "SELECT a <| b FROM t WHERE x ONLY y",
        "SELECT [only].a FROM t",
        "SELECT f([variadic] => 1)",
        "SELECT 1 FROM [only].t",
        "SELECT variadic FROM t",
        "SELECT VARIADIC a FROM t",
        "SELECT f(VARIADIC a, b) FROM t",
        "SELECT a FROM t, only",
        "SELECT (SYMMETRIC 1)",
        "SELECT 1 [low] 2",
        "TABLE t, u",
        "TABLE t JOIN u ON true",
        "SELECT * FROM t USING (a) AS x",
        "SELECT sum(1) OVER (PARTITION BY a EXCLUDE TIES) FROM t",
        "SELECT 1 GROUP BY DISTINCT",
        "SELECT trim(FROM)",
        "SELECT x LIKE ANY 'a' FROM t",
        "SELECT 1 COLLATE 2",
        "SELECT interval day '1'",
    ] {
        assert!(reprint(sql).is_err(), "{sql} -> {:?}", reprint(sql));
    }
}
