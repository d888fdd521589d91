//! Values that grow: refused before PostgreSQL sees them, or below a bound that changes no answer.

use std::time::Instant;

use super::Guarded;
use crate::support::{READER, Template};

fn nested(levels: usize, around: &str, inner: &str) -> String {
    (0..levels).fold(inner.to_owned(), |inner, _| around.replace('@', &inner))
}

fn joined(count: usize, one: &str, by: &str) -> String {
    vec![one; count].join(by)
}

/// All took more than 256 MB, or ran past their time limit, when PostgreSQL got them.
fn bombs() -> Vec<String> {
    let million = "repeat('x', 1000000)";
    let digits = "('9' || repeat('9', 100000))::numeric";
    vec![
        format!(
            "SELECT length(s.cost_center) FROM ({}) AS s",
            nested(25, "SELECT (q.r).* FROM (SELECT ROW(1, 'x', s.cost_center || s.cost_center, 1)::staff.departments AS r FROM (@) AS s) AS q", "SELECT 'x' AS cost_center"),
        ),
        format!(
            "SELECT length(x) FROM ({}) AS s(n, x)",
            nested(25, "SELECT 1, x || x FROM (@) AS s(n, x)", "SELECT (ROW(1, 'x', 'y', 1)::staff.departments).*"),
        ),
        format!(
            "SELECT length(a) FROM ({}) AS s",
            nested(25, "SELECT x.a || x.a AS a FROM (@) AS p JOIN (VALUES ('z')) AS v(a) USING (a) AS x", "SELECT 'x' AS a"),
        ),
        format!(
            "SELECT length(b) FROM ({}) AS s",
            nested(28, "SELECT 1 AS a, y || y AS b FROM (@) AS t, LATERAL (VALUES (t.*)) AS v(x, y)", "SELECT 1 AS a, 'x' AS b"),
        ),
        format!("SELECT sum(1) OVER (ROWS length({}) PRECEDING)", joined(200, million, " || ")),
        format!("SELECT concat_ws({million}, VARIADIC array_fill(''::text, ARRAY[100000]))"),
        format!("SELECT format('{}', VARIADIC ARRAY[{million}])", joined(600, "%1$s", "")),
        "SELECT repeat('x', 1000000000)".into(),
        "EXPLAIN SELECT repeat('x', 1000000000)".into(),
        "SELECT repeat('x', - (-1000000000))".into(),
        "SELECT repeat('1e100000'::numeric::text, 1000)".into(),
        "SELECT lpad('x', 1000000000)".into(),
        "SELECT rpad('x', 1000000000, 'y')".into(),
        "SELECT format('%1000000000s', 'x')".into(),
        "SELECT array_fill(1, ARRAY[100000, 100000])".into(),
        "SELECT 'x'::char(10000000)".into(),
        "SELECT B'1'::bit(80000000)".into(),
        "SELECT factorial(100000)".into(),
        "SELECT replace(repeat('x', 10000), 'x', repeat('y', 60000))".into(),
        "SELECT regexp_replace(repeat('x', 10000), 'x', repeat('y', 60000), 'g')".into(),
        "SELECT array_to_string(string_to_array(repeat(',', 1000), ','), repeat('y', 600000))".into(),
        format!("SELECT format('{}', {million})", joined(600, "%1$s", "")),
        format!("SELECT {}", nested(10, "quote_literal(@)", "repeat('''', 1000000)")),
        format!("SELECT {}", nested(10, "encode(@, 'hex')::bytea", "repeat('x', 1000000)::bytea")),
        format!("SELECT {}", nested(10, "to_json(@)::text", "repeat('\"', 1000000)")),
        format!("SELECT {}", joined(500, million, " || ")),
        format!("SELECT {}", joined(1_000, "repeat('x', 100000)", ", ")),
        format!("SELECT {}", joined(1_000, "'x'::char(100000)", ", ")),
        format!("SELECT a FROM ({}) AS y", nested(10, "SELECT a || a AS a FROM (@) AS x", "SELECT repeat('x', 1000000) AS a")),
        // The operators double even where the values are small.
        format!("SELECT a FROM ({}) AS y", nested(30, "SELECT a + a AS a FROM (@) AS x", "SELECT id AS a FROM shop.orders")),
        format!(
            "WITH c0 AS (SELECT id AS a FROM shop.orders){} SELECT * FROM c29",
            (1..30).map(|n| format!(", c{n} AS (SELECT a + a AS a FROM c{})", n - 1)).collect::<String>()
        ),
        format!("SELECT {}", joined(100, "power(9.9::numeric, 100000)", " + ")),
        format!("SELECT {}", joined(100, "9.9 ^ 100000", " + ")),
        format!("SELECT {digits} * {digits}"),
        format!("SELECT div({digits}, {digits}), mod({digits}, {digits})"),
        "SELECT repeat('a', 1000000) LIKE '%' || repeat('a', 500000) || 'b%'".into(),
        "SELECT translate(repeat('a', 1000000), repeat('b', 500000) || 'a', 'c')".into(),
        "SELECT ltrim(repeat('a', 1000000), repeat('b', 500000) || 'a')".into(),
        "SELECT ('(' || repeat('(1,2),', 20000) || '(1,2))')::path <-> ('(' || repeat('(1,3),', 20000) || '(1,2))')::path".into(),
        "SELECT phraseto_tsquery('simple', repeat('a ', 100000))".into(),
        "SELECT ts_headline('simple', repeat('a b c d ', 10000), 'a <-> b'::tsquery)".into(),
        "SELECT polygon(30000000, '((0,0),1)'::circle)".into(),
        "SELECT jsonb_path_query_array(('[' || repeat('1,', 100000) || '1]')::jsonb, '$[*] ? (exists($[*]))')".into(),
        "SELECT jsonb_pretty((repeat('[', 5000) || repeat(']', 5000))::jsonb)".into(),
        format!("SELECT 1 FROM {}", (0..1_500).map(|n| format!("shop.orders a{n}")).collect::<Vec<_>>().join(", ")),
        format!("SELECT 1 FROM shop.products a{}", (0..99).map(|n| format!(" JOIN shop.products a{n} ON a{n}.id = a.id")).collect::<String>()),
        "SELECT xpath('//a[count(//a[count(//a) > 0]) > 0]', '<a/>')".into(),
    ]
}

#[tokio::test]
async fn what_would_fill_the_servers_memory_is_refused() {
    let guarded = Guarded::create(Template::Shop, READER).await;
    let allowed: Vec<String> = bombs().into_iter().filter(|sql| guarded.check(sql).is_ok()).collect();
    assert!(
        allowed.is_empty(),
        "{}",
        allowed.iter().map(|sql| sql.chars().take(150).collect::<String>() + "\n").collect::<String>()
    );
    let no = guarded.check("SELECT repeat('x', 1000000000)").unwrap_err();
    assert_eq!((no.sqlstate.as_str(), no.rule.as_deref()), ("54000", Some("sql.size_arguments")));
    assert!(no.message.contains("1048576"), "{no}");
}

/// Sizes that only PostgreSQL knows: the same answer below the bound, and above it an error that names the bound.
#[tokio::test]
async fn a_computed_size_changes_no_answer_and_fails_above_the_bound() {
    let guarded = Guarded::create(Template::Shop, READER).await;
    let admin = guarded.database.admin().await;
    for sql in [
        "SELECT md5(repeat(t, n)) FROM (VALUES ('ab', 3), ('', 5), (NULL, 1), ('é', NULL), ('x', -5), ('abc', 300000)) AS v(t, n)",
        "SELECT md5(lpad(t, n, 'é')) FROM (VALUES ('ab', 3), ('', 5), ('abc', 2), ('x', -5), ('abc', 1000000)) AS v(t, n)",
        "SELECT md5(rpad(t, n)) FROM (VALUES ('ab', 3), ('', 5), ('abc', 2), ('x', -5)) AS v(t, n)",
        "SELECT factorial(n) FROM (VALUES (0), (5), (20)) AS v(n)",
        "SELECT repeat('x', 2 + 3), repeat('ab', length('abc')), repeat('x', -(-3)), repeat('x', '4'), lpad('7', 2 + 1, '0')",
        "SELECT count(*), string_agg(DISTINCT repeat('*', stars), ',') FROM (VALUES (1), (2), (2)) AS v(stars)",
    ] {
        let print = guarded.check(sql).unwrap_or_else(|no| panic!("{sql}: {no}")).text().to_owned();
        let own = admin.query(&format!("SELECT x::text FROM ({sql}) AS x"), &[]).await.unwrap();
        let printed = admin.query(&format!("SELECT x::text FROM ({print}) AS x"), &[]).await.unwrap();
        let text =
            |rows: &[tokio_postgres::Row]| rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>();
        assert_eq!(text(&own), text(&printed), "{print}");
    }
    for sql in [
        "SELECT repeat(t, n) FROM (VALUES ('abc', 400000)) AS v(t, n)",
        "SELECT repeat('x', 1::bit(2)::bit(28)::int)",
        "SELECT lpad('x', n) FROM (VALUES (2000000)) AS v(n)",
        "SELECT repeat('x', 1048575 + id::int) FROM shop.products",
    ] {
        let (answer, source) = guarded.answer(sql, &[]).await;
        assert_eq!(source, Some(pgwarden::pg::Source::Postgresql), "{sql}: {answer}");
        assert!(answer.contains("may make at most 1048576"), "{sql}: {answer}");
    }
    let (answer, _) = guarded.answer("SELECT repeat($1, $2), factorial($3)", &["ab", "2", "3"]).await;
    assert!(answer.contains("[Some(\"abab\"), Some(\"6\")]"), "{answer}");
    let (answer, _) = guarded.answer("SELECT repeat($1, $2)", &["abc", "400000"]).await;
    assert!(answer.contains("may make at most 1048576"), "{answer}");
}

/// Everyday statements with the same functions are not taken for bombs.
#[tokio::test]
async fn everyday_sizes_are_allowed() {
    let guarded = Guarded::create(Template::Shop, READER).await;
    let started = Instant::now();
    for sql in [
        "SELECT replace(replace(lower(full_name), ' ', '-'), '.', '') FROM shop.customers",
        "SELECT regexp_replace(phone, '[^0-9]', '', 'g') FROM shop.customers",
        "SELECT string_agg(full_name, ', ' ORDER BY id), array_to_string(array_agg(email), '; ') FROM shop.customers",
        "SELECT jsonb_pretty(jsonb_agg(preferences)) FROM shop.customers WHERE id < 5",
        "SELECT concat_ws(' ', full_name, company, email, phone, segment) FROM shop.customers WHERE full_name ILIKE '%' || $1 || '%'",
        "SELECT * FROM shop.customers WHERE email = $1 OR phone = $2 OR $1 = $2",
        "SELECT power(1 + 0.05, 12), 2 ^ 10, exp(1.5), round(100 * power(1.002, n), 2) FROM generate_series(1, 12) AS n",
        "SELECT to_char(ordered_at, 'YYYY-MM'), lpad(id::text, 10, '0') FROM shop.orders LIMIT 5",
        "SELECT replace($1, $2, $3), format('%s: %s', $1, $2), ts_headline(body, plainto_tsquery('english', $3)) FROM shop.reviews",
        "SELECT to_tsvector('english', body) @@ phraseto_tsquery('english', 'very good') FROM shop.reviews",
        "WITH a AS (SELECT id, loyalty_points AS n FROM shop.customers), b AS (SELECT id, CASE WHEN n > 10 THEN n * 2 + n ELSE n - n / 2 END AS m FROM a),
         c AS (SELECT id, CASE WHEN m > 10 THEN m * 2 + m ELSE m - m / 2 END AS k FROM b),
         d AS (SELECT id, CASE WHEN k > 10 THEN k * 2 + k ELSE k - k / 2 END AS j FROM c),
         e AS (SELECT id, CASE WHEN j > 10 THEN j * 2 + j ELSE j - j / 2 END AS i FROM d) SELECT sum(i) FROM e",
        "SELECT pg_typeof(id), pg_typeof(email)::text = 'text' FROM shop.customers LIMIT 1",
        "SELECT jsonb_path_query(preferences, '$.channels[*]') FROM shop.customers LIMIT 3",
    ] {
        let checked = guarded.check(sql);
        assert!(checked.is_ok(), "{sql}: {}", checked.unwrap_err());
    }
    assert!(started.elapsed().as_secs() < 10);
}
