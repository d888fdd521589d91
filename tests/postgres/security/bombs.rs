//! Stack and time bombs: 40 shapes in many sizes, in a process of their own on a thread with 2 MiB of stack.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Database, READER, Template};

const SIZES: &[usize] = &[40, 595, 1_815, 3_000, 4_900, 100_000];

/// `(before, repeated, middle, repeated, behind)`
const SHAPES: &[(&str, &str, &str, &str, &str)] = &[
    ("SELECT 1", " + 1", "", "", ""),
    ("SELECT true", " AND true", "", "", ""),
    ("SELECT true", " OR true", "", "", ""),
    ("SELECT 'a'", " || 'a'", "", "", ""),
    ("SELECT 1", " IS NULL", "", "", ""),
    ("SELECT 1", " IS DISTINCT FROM 1", "", "", ""),
    ("SELECT 'a'", " LIKE 'a'", "", "", ""),
    ("SELECT 1", " BETWEEN 1 AND 2", "", "", ""),
    ("SELECT 1", " NOT IN (1)", "", "", ""),
    ("SELECT 1", "::int", "", "", ""),
    ("SELECT now()", " AT TIME ZONE 'UTC'", "", "", ""),
    ("SELECT 'a'", " COLLATE \"C\"", "", "", ""),
    ("SELECT '{}'::jsonb", "->'a'", "", "", ""),
    ("SELECT 1", " OPERATOR(pg_catalog.+) 1", "", "", ""),
    ("SELECT ", "NOT ", "true", "", ""),
    ("SELECT ", "- ", "1", "", ""),
    ("SELECT ", "(", "1", ")", ""),
    ("SELECT ", "CASE WHEN true THEN 1 ELSE ", "1", " END", ""),
    ("SELECT ", "CASE WHEN ", "true", " THEN true END", ""),
    ("SELECT ", "abs(", "1", ")", ""),
    ("SELECT ", "abs(CASE WHEN true THEN ", "1", " END)", ""),
    ("SELECT ", "position('a' IN ", "'a'", ")::text", ""),
    ("SELECT ", "CAST(", "1", " AS int)", ""),
    ("SELECT ", "(SELECT ", "1", ")", ""),
    ("SELECT ", "EXISTS (SELECT ", "1", ")", ""),
    ("SELECT ", "ARRAY[", "1", "]", ""),
    ("SELECT ", "ROW(", "1", ")", ""),
    ("SELECT ", "interval ", "'1'", "", ""),
    ("SELECT 1 IN (1", ", 1", "", "", ")"),
    ("VALUES (1)", ", (1)", "", "", ""),
    ("SELECT 1", " UNION ALL SELECT 1", "", "", ""),
    ("", "(", "SELECT 1", " UNION ALL SELECT 1)", ""),
    ("SELECT * FROM shop.products a", " CROSS JOIN shop.products", "", "", ""),
    ("SELECT * FROM shop.products", " JOIN shop.products", "", " ON true", ""),
    ("SELECT * FROM ", "(", "shop.products a", " CROSS JOIN shop.products)", ""),
    ("SELECT * FROM ", "(SELECT * FROM ", "shop.products", ") AS x", ""),
    ("", "WITH c AS (", "SELECT 1", ") SELECT * FROM c", ""),
    ("SELECT a", "[1]", "", "", " FROM (SELECT ARRAY[1] AS a) AS x"),
    ("SELECT NULL::int", "[]", "", "", ""),
    ("", "EXPLAIN ", "SELECT 1", "", ""),
    ("", "/*", "", "*/", "SELECT 1"),
    ("SELECT ", "a", "", "", ""),
    ("SELECT $", "a", "$x$", "a", "$"),
    ("SELECT ", "a < ", "b", " > c", ""),
    ("SELECT f(", "x -> ", "1", "", ")"),
    ("SELECT ", "struct<", "int", ">(1)", ""),
    ("SELECT ", "sum(1) OVER (ORDER BY ", "1", ")", ""),
    ("SELECT 1 GROUP BY GROUPING SETS ", "(", "1", ")", ""),
    ("SELECT 'a'", "\n'a'", "", "", ""),
    ("", ";", "SELECT 1", ";", ""),
];

#[tokio::test]
async fn the_process_survives_every_shape_and_answers_soon() {
    let database = Database::create(Template::Shop).await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_pgwarden"))
        .args(["check", "--database", &database.url(READER), "-"])
        .env("RUST_MIN_STACK", (2 * 1024 * 1024).to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut ask = |sql: &str| {
        let started = Instant::now();
        writeln!(input, "{}", serde_json::json!({ "sql": sql })).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        (line, started.elapsed())
    };
    ask("SELECT 1");
    // What the machine needs for a plain text of the largest size: under load everything is slower alike.
    let plain = format!("SELECT {}", vec!["1"; 4_900].join(", "));
    let baseline = (0..3).map(|_| ask(&plain).1).min().unwrap();
    let most = (baseline * 40).max(Duration::from_secs(5));
    let mut slow = Vec::new();
    for (before, left, middle, right, behind) in SHAPES {
        for size in SIZES {
            let sql = format!("{before}{}{middle}{}{behind}", left.repeat(*size), right.repeat(*size));
            let (answer, took) = ask(&sql);
            assert!(answer.contains("\"decision\""), "died of {size} times {left:?}: {answer:?}");
            if took > most {
                slow.push(format!("{took:?} for {size} times {left:?}"));
            }
        }
    }
    assert!(slow.is_empty(), "more than {most:?} (plain: {baseline:?}): {slow:?}");
    drop(input);
    assert!(child.wait().unwrap().success());
}
