//! Statements that take all the time, memory, disk or locks that there is: each ends by its deadline.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::stage::{Promise, Stage, ms};
use super::wire::{Answer, Wire, query};

/// What one statement may take, in seconds, and then to be ended.
const DEADLINE: u64 = 2;
const ENDING: Duration = Duration::from_secs(5);

/// Each for itself; `{n}` is large, `{deep}` a nest. What is refused before it runs is as good.
fn bombs() -> Vec<String> {
    let list = |count: usize, item: &str| vec![item; count].join(", ");
    let chain = |count: usize, item: &str, between: &str| vec![item; count].join(between);
    let products =
        (0..9).map(|n| format!("generate_series(1, 1000000) AS g{n}")).collect::<Vec<_>>().join(", ");
    let joined = (0..14).map(|n| format!("s.customers AS c{n}")).collect::<Vec<_>>().join(" NATURAL JOIN ");
    let columns = (0..1_600).map(|n| format!("repeat('x', 100000) AS c{n}")).collect::<Vec<_>>().join(", ");
    let mut bombs = vec![
        format!("SELECT count(*) FROM {products}"),
        format!("SELECT * FROM {products}"),
        format!("SELECT count(*) FROM {joined}"),
        format!("SELECT {columns}"),
        format!("SELECT id FROM s.customers WHERE {}", chain(20_000, "id = 1", " OR ")),
        format!("SELECT id FROM s.customers WHERE {}", chain(190, "notes LIKE '%a%b%c%d%e%'", " OR ")),
        format!("SELECT id FROM s.customers WHERE id IN ({})", list(200_000, "1")),
        format!("SELECT ARRAY[{}]", list(4_000, "1")),
        format!("SELECT {}", chain(5_000, "1", " + ")),
        format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        chain(600, "SELECT 1", " UNION ALL "),
        "WITH RECURSIVE r(n, t) AS (SELECT 1, repeat('x', 4000) UNION ALL SELECT n + 1, t FROM r) SELECT count(t) FROM r".to_owned(),
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT n + 1 FROM r) SELECT max(n) FROM r".to_owned(),
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT n FROM r ORDER BY n".to_owned(),
        "WITH RECURSIVE r(t) AS (SELECT 'x' UNION ALL SELECT t || t FROM r) SELECT max(length(t)) FROM r".to_owned(),
    ];
    bombs.extend(
        [
            "SELECT repeat('x', 1000000000)",
            "SELECT length(repeat('x', 1000000000))",
            "SELECT repeat(name, 200000000) FROM s.customers WHERE false",
            "SELECT lpad('x', 1000000000), rpad('x', 1000000000)",
            "SELECT format('%1000000000s', 'x')",
            "SELECT repeat(repeat('x', 30000), 30000)",
            "SELECT array_fill(1, ARRAY[100000000])",
            "SELECT string_agg(notes, '') FROM s.customers AS a, s.customers AS b",
            "SELECT array_agg(a.notes) FROM s.customers AS a, s.customers AS b",
            "SELECT json_agg(a) FROM s.customers AS a, s.customers AS b",
            "SELECT jsonb_object_agg(a.id::text || b.id::text, b.notes) FROM s.customers AS a, s.customers AS b",
            "SELECT a.notes, b.notes FROM s.customers AS a, s.customers AS b ORDER BY 1, 2",
            "SELECT DISTINCT a.notes || b.notes FROM s.customers AS a, s.customers AS b",
            "SELECT count(DISTINCT a.notes || b.notes) FROM s.customers AS a, s.customers AS b",
            "SELECT a.id, row_number() OVER (ORDER BY a.notes, b.notes) FROM s.customers AS a, s.customers AS b",
            "SELECT a.id, count(*) OVER (ORDER BY b.id RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM s.customers AS a, s.customers AS b",
            "SELECT a.id % 7, b.id % 7, count(*) FROM s.customers AS a, s.customers AS b GROUP BY CUBE (1, 2)",
            "SELECT count(*) FROM s.customers AS a, s.customers AS b, s.customers AS c WHERE a.notes < b.notes OR b.notes < c.notes",
            "SELECT count(*) FROM s.customers AS a, s.customers AS b WHERE a.notes ~ b.name",
            "SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' ~ '^(a+)+$'",
            "SELECT repeat('a', 100000) ~ '(a|aa)+b'",
            "SELECT 'x' ~ 'x{0,200}{0,200}{0,200}'",
            "SELECT regexp_replace(repeat('a', 100000), '(a*)*b', 'x', 'g')",
            "SELECT count(*) FROM regexp_matches(repeat('ab', 1000000), 'a', 'g')",
            "SELECT 9.9 ^ 99999.9 ^ 2",
            "SELECT factorial(100000)",
            "SELECT 1::numeric / 3 * power(10::numeric, 130000)",
            "SELECT max(n) FROM generate_series(1, 10000000000) AS n",
            "SELECT generate_series(1, 1000000000)",
            "SELECT to_tsvector(repeat('word ', 10000000))",
            "SELECT s.wait(600)",
            "SELECT s.wait(1) FROM generate_series(1, 600)",
        ]
        .map(str::to_owned),
    );
    bombs
}

async fn ask(stage: &Stage, token: &str, sql: &str) -> (Answer, Duration) {
    let mut wire = Wire::from([127, 0, 0, 2], stage.program.address).await.unwrap();
    let began = Instant::now();
    (wire.ask(&query(token, sql)).await.unwrap(), began.elapsed())
}

/// What it came to: a SQLSTATE, a status that is none of 200, or rows.
fn outcome(answer: &Answer) -> String {
    match (answer.status, answer.sqlstate().as_str()) {
        (200, "-") => "rows".to_owned(),
        (200, sqlstate) => sqlstate.to_owned(),
        (status, _) => format!("HTTP {status}"),
    }
}

#[tokio::test]
async fn every_bomb_ends_by_its_deadline_and_a_neighbour_is_served_meanwhile() {
    let stage = Stage::start(&format!("seconds = {DEADLINE}"), "").await;
    let token = stage.program.token("attacker");
    // The neighbour shares two cores and PostgreSQL with four statements that use all they can get.
    let promise = Promise { p99: Duration::from_millis(500), anew: true };
    let all = bombs();
    stage
        .under("statement bombs, four at a time", promise, async {
            let mut outcomes: Vec<String> = Vec::new();
            let mut longest = Duration::ZERO;
            for four in all.chunks(4) {
                for (sql, (answer, took)) in
                    four.iter().zip(join_all(four.iter().map(|sql| ask(&stage, &token, sql))).await)
                {
                    let said: String = sql.chars().take(80).collect();
                    assert!(took < Duration::from_secs(DEADLINE) + ENDING, "{took:?}: {said}");
                    assert!(answer.status == 200 || answer.status == 413, "{said}: {answer:?}");
                    outcomes.push(outcome(&answer));
                    longest = longest.max(took);
                }
            }
            let count = |wanted: &str| outcomes.iter().filter(|outcome| *outcome == wanted).count() as u64;
            let (ended, limited) = (count("57014"), count("53400"));
            let refused =
                outcomes.iter().filter(|outcome| outcome.starts_with("54") || outcome.starts_with("42"));
            let refused = refused.count() as u64;
            // How many end by themselves, the machine decides.
            assert!(ended >= 5 && refused >= 5 && ended + refused + limited >= 25, "{outcomes:?}");
            println!("longest {} ms; {outcomes:?}", ms(longest));
            vec![
                ("bombs", all.len() as u64),
                ("ended at the deadline", ended),
                ("refused", refused),
                ("at temp_file_limit", limited),
            ]
        })
        .await;
    let (answer, _) = ask(&stage, &token, "SELECT count(*) FROM s.customers").await;
    assert_eq!(answer.sqlstate(), "-", "{answer:?}");
}
