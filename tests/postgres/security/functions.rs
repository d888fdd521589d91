//! `side_effects.jsonl`: what PostgreSQL's own functions do beyond computing. None that does anything is reachable.

use std::collections::BTreeSet;
use std::fs;

use pgwarden::pg::QualifiedName;
use pgwarden::policy::Policy;

use super::Guarded;
use crate::support::{Database, Template};

/// Bounded by their arguments (`resolve/bound.rs`, `growth.rs`) or by time, and needed by everyone.
const ALLOWED_CONSUMERS: &[&str] = &[
    "repeat",
    "lpad",
    "rpad",
    "generate_series",
    "regexp_replace",
    "regexp_matches",
    "array_fill",
    "power",
    "factorial",
    "jsonb_path_query",
    "xmlparse/xml",
];

struct Entry {
    name: String,
    category: String,
    probe: String,
}

fn entries() -> Vec<Entry> {
    let text = fs::read_to_string("tests/fixtures/side_effects.jsonl").unwrap();
    let entry = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let name = word("function").split('(').next().unwrap().to_owned();
        Entry { name, category: word("category"), probe: word("probe") }
    };
    text.lines().map(entry).collect()
}

/// Names with an effect; those whose overloads are harmless, as the allow-list has them, stay out.
fn harmful() -> Vec<Entry> {
    let mut all = entries();
    all.retain(|e| !e.category.starts_with("benign") && !ALLOWED_CONSUMERS.contains(&e.name.as_str()));
    all
}

#[tokio::test]
async fn no_function_with_an_effect_is_called_in_any_position() {
    let guarded = Guarded::create(Template::Cases, "mcp_ro").await;
    let entries = harmful();
    assert!(entries.len() > 200, "{}", entries.len());
    let mut allowed = Vec::new();
    let mut tried = 0;
    // What this version does not have is no function, and so may be a field's name.
    let exists =
        |name: &&str| guarded.catalog.routines(&QualifiedName::new("pg_catalog", *name)).next().is_some();
    let names = entries.iter().map(|e| e.name.as_str()).filter(|name| is_name(name)).filter(exists);
    for name in names.collect::<BTreeSet<_>>() {
        for sql in positions(name) {
            tried += 1;
            if guarded.check(&sql).is_ok() {
                allowed.push(sql);
            }
        }
    }
    for Entry { probe, .. } in &entries {
        tried += 1;
        if !probe.is_empty() && guarded.check(probe).is_ok() {
            allowed.push(probe.clone());
        }
    }
    assert!(allowed.is_empty(), "{} of {tried} allowed:\n{}", allowed.len(), allowed.join("\n"));
    assert!(tried > 3_000, "{tried}");
}

fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn positions(f: &str) -> Vec<String> {
    let shapes = [
        "SELECT @@()",
        "SELECT @@(1)",
        "SELECT @@('x')",
        "SELECT @@(1, 2)",
        "SELECT @@('a', 'b', true)",
        "SELECT pg_catalog.@@(1)",
        "SELECT \"@@\"(1)",
        "SELECT * FROM @@(1)",
        "SELECT * FROM @@() AS t(a int)",
        "SELECT * FROM LATERAL @@(1)",
        "SELECT * FROM orders o, LATERAL @@(o.id) AS x",
        "SELECT * FROM orders o LEFT JOIN @@(o.id) AS x ON true",
        "SELECT ('x').@@",
        "SELECT (1).@@",
        "SELECT (o.id).@@ FROM orders o",
        "SELECT o.@@ FROM orders o",
        "SELECT (o).@@ FROM orders o",
        "SELECT x.@@ FROM unnest(ARRAY['a']) AS x",
        "SELECT x.@@ FROM json_to_record('{}') AS x(a text)",
        "SELECT 1 ORDER BY @@(1)",
        "SELECT 1 WHERE @@(1) IS NULL",
        "SELECT 1 GROUP BY @@(1)",
        "SELECT 1 HAVING @@(1) IS NULL",
        "SELECT count(*) FILTER (WHERE @@(1) IS NULL)",
        "SELECT @@(1) OVER ()",
        "SELECT sum(1) OVER (ORDER BY @@(1))",
        "SELECT @@(DISTINCT 1)",
        "SELECT @@(1 ORDER BY 1)",
        "SELECT @@(0.5) WITHIN GROUP (ORDER BY 1)",
        "SELECT 1 LIMIT @@(1)",
        "SELECT 1 OFFSET @@(1)",
        "VALUES (@@(1))",
        "SELECT CASE WHEN @@(1) IS NULL THEN 1 END",
        "SELECT ARRAY[@@(1)]",
        "SELECT ARRAY(SELECT @@(1))",
        "SELECT (SELECT @@(1))",
        "SELECT EXISTS (SELECT @@(1))",
        "SELECT 1 IN (@@(1))",
        "SELECT COALESCE(@@(1), 2)",
        "SELECT ROW(@@(1))",
        "WITH x AS (SELECT @@(1)) SELECT 1",
        "SELECT 1 UNION SELECT @@(1)",
        "SELECT DISTINCT ON (@@(1)) 1",
        "SELECT 1 FROM orders TABLESAMPLE SYSTEM (@@(1))",
        "SELECT (ARRAY[1])[@@(1)]",
        "SELECT 'a' LIKE @@(1)",
        "SELECT 1 FROM orders a JOIN orders b ON @@(1) IS NULL",
        "EXPLAIN SELECT @@(1)",
        "SELECT make_date(year => @@(1))",
        "SELECT 1 BETWEEN @@(1) AND 2",
        "SELECT @@(1)::text",
        "SELECT 1 FROM orders WINDOW w AS (PARTITION BY @@(1))",
        "SELECT sum(1) OVER (ROWS @@(1) PRECEDING)",
        "SELECT 1 = ANY (ARRAY[@@(1)])",
        "SELECT GROUPING(@@(1))",
    ];
    shapes.iter().map(|shape| shape.replace("@@", f)).collect()
}

/// An operator or a cast of pg_catalog is open to everyone: none may lead to a function with an effect.
#[tokio::test]
async fn no_operator_and_no_cast_leads_to_a_function_with_an_effect() {
    let database = Database::create(Template::Empty).await;
    let admin = database.admin().await;
    let names: Vec<String> = harmful().into_iter().map(|e| e.name).collect();
    let routes = "SELECT 'operator ' || o.oprname || ' ' || p.proname FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
                  WHERE p.proname = ANY ($1)
                  UNION ALL
                  SELECT 'cast ' || castsource::regtype || ' ' || casttarget::regtype FROM pg_cast c JOIN pg_proc p ON p.oid = c.castfunc
                  WHERE p.proname = ANY ($1)
                  UNION ALL
                  SELECT 'aggregate ' || a.aggfnoid::regproc FROM pg_aggregate a
                  JOIN pg_proc p ON p.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn, a.aggmfinalfn)
                  WHERE p.proname = ANY ($1)";
    let found: Vec<String> =
        admin.query(routes, &[&names]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// What the allow-list lets through, overload by overload, as this server has them.
#[tokio::test]
async fn every_overload_on_the_allow_list_is_of_a_harmless_kind() {
    let database = Database::create(Template::Empty).await;
    let admin = database.admin().await;
    let policy = Policy::builtin();
    let names: Vec<&str> = policy.functions().collect();
    let odd =
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
               AND p.proname = ANY ($1) AND (
                 p.provolatile = 'v' OR p.prosecdef OR p.prokind = 'p'
                 OR EXISTS (SELECT FROM pg_type t WHERE t.oid = ANY (p.proargtypes::oid[] || p.prorettype)
                   AND t.typname ~ '^(reg|cstring|internal|refcursor|aclitem|pg_)' AND t.typname <> 'pg_lsn'))";
    let found: BTreeSet<String> =
        admin.query(odd, &[&names]).await.unwrap().iter().map(|row| row.get::<_, String>(0)).collect();
    let known = |one: &str| {
        let name = one.split('(').next().unwrap();
        // Volatile and harmless; text search configurations and dictionaries by name; bound in `resolve/typeof_call.rs`.
        let volatile = [
            "random",
            "random_normal",
            "clock_timestamp",
            "timeofday",
            "timezone",
            "gen_random_uuid",
            "uuidv4",
            "uuidv7",
            "array_shuffle",
            "array_sample",
        ];
        volatile.contains(&name)
            || name == "pg_typeof"
            || one.contains("(regconfig")
            || one.contains("(regdictionary")
    };
    let unknown: Vec<&String> = found.iter().filter(|one| !known(one)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let harmful: BTreeSet<String> = harmful().into_iter().map(|e| e.name).collect();
    let both: Vec<&&str> = names.iter().filter(|name| harmful.contains(**name)).collect();
    assert!(both.is_empty(), "{both:?}");
}
