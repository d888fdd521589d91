//! What a masked or denied column holds must not show, by any route.

use super::Lab;

/// Everything of a customer that is secret is masked or denied.
const SECRETS: &str = r#"
[[allow]]
select = ["lab.*"]
[[deny]]
select = ["*.*.ssn", "lab.assets.secret", "lab.events.secret"]
[[mask]]
columns = ["lab.customers.name"]
with = { hash = "MASK_KEY" }
predicates = true
[[mask]]
columns = ["lab.customers.email", "lab.orders.note", "lab.customers.notes"]
with = "null"
[[mask]]
columns = ["lab.customers.phone"]
with = { text = "none" }
[[mask]]
columns = ["lab.customers.points"]
with = { bucket = 1000000 }
predicates = true
[[mask]]
columns = ["lab.customers.balance"]
with = { bucket = 1000000 }
[[mask]]
columns = ["lab.customers.born"]
with = { date = "decade" }
"#;

/// Of any of these nothing of Ada (`ada@example.org`, 1999 points, born on 1990-05-17, 1234.56) shows.
const ROUTES: &[&str] = &[
    "SELECT * FROM lab.customers",
    "SELECT c FROM (SELECT id, name, email FROM lab.customers) c",
    "SELECT (c).* FROM (SELECT * FROM lab.customers) c",
    "SELECT to_jsonb(x) FROM (SELECT * FROM lab.customers) x",
    "SELECT x::text FROM (SELECT * FROM lab.customers) x",
    "SELECT array_agg(x) FROM (SELECT * FROM lab.customers) x",
    "SELECT DISTINCT email, name, points FROM lab.customers ORDER BY 1, 2, 3",
    "SELECT name FROM lab.customers UNION SELECT email FROM lab.customers",
    "SELECT name FROM lab.customers INTERSECT SELECT 'Ada'",
    "SELECT email FROM lab.customers EXCEPT SELECT 'x'",
    "SELECT max(email), min(points), sum(points), string_agg(phone, ',') FROM lab.customers",
    "SELECT points, count(*) FROM lab.customers GROUP BY points ORDER BY points",
    "SELECT CASE WHEN points = 1999 THEN 'IS 1999' END FROM lab.customers",
    "SELECT CASE points WHEN 1999 THEN 'IS 1999' END FROM lab.customers",
    "SELECT NULLIF(points, 1999), email = ANY (ARRAY['ada@example.org']) AND NULL FROM lab.customers",
    "SELECT d.e FROM (SELECT id, email AS e FROM lab.customers) d WHERE d.e = 'ada' || '@example.org'",
    "SELECT d.id FROM (SELECT id, points AS p FROM lab.customers) d WHERE d.p = 1999",
    "WITH w AS (SELECT * FROM lab.customers) SELECT points, email FROM w WHERE points < 1000",
    "SELECT id FROM lab.customers c WHERE (SELECT points FROM lab.customers d WHERE d.id = c.id) = 1999",
    "SELECT lag(email) OVER (ORDER BY id), first_value(points) OVER (PARTITION BY name ORDER BY born) FROM lab.customers",
    "SELECT id, rank() OVER (ORDER BY points) FROM lab.customers WHERE id < 2",
    "SELECT id, dense_rank() OVER (PARTITION BY email) FROM lab.customers",
    "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY points) FROM lab.customers",
    "SELECT e FROM lab.customers AS c (a, b, d, e, f)",
    "SELECT lab.customers.email FROM lab.customers",
    "SELECT u FROM lab.customers, unnest(ARRAY[email, phone]) u",
    "SELECT l.e FROM lab.customers c, LATERAL (SELECT c.email AS e) l",
    "SELECT l.* FROM lab.customers c, LATERAL (SELECT c.*) l",
    "SELECT l.* FROM lab.members m LEFT JOIN LATERAL (SELECT * FROM lab.customers c WHERE c.id = 1) l ON true",
    "SELECT j.* FROM (lab.customers c JOIN lab.orders o ON o.customer_id = c.id) AS j",
    "SELECT json_build_object('e', email), row_to_json(ROW(points, email)) FROM lab.customers",
    "SELECT pg_column_size(email), length(email), md5(email) FROM lab.customers WHERE id = 1",
    "SELECT notes ->> 'n', note FROM lab.customers c JOIN lab.orders o ON o.customer_id = c.id",
    "SELECT id, email FROM lab.customers GROUP BY id",
    "SELECT id, notes FROM lab.customers GROUP BY id",
    "SELECT DISTINCT ON (points) email, points FROM lab.customers ORDER BY points, email",
    "SELECT points % 1000000, points::text, points + 0, -points FROM lab.customers",
    "SELECT email::xml FROM lab.customers",
    "SELECT extract(day FROM born), born::text, to_char(born, 'YYYY-MM-DD') FROM lab.customers WHERE id = 1",
    "SELECT balance - floor(balance), balance::text, scale(balance) FROM lab.customers WHERE id = 1",
    "SELECT id, secret FROM lab.assets",
    "SELECT * FROM lab.assets",
    "SELECT * FROM lab.cars",
    "SELECT secret FROM lab.cars",
    "SELECT c.secret FROM ONLY lab.cars c",
    "SELECT to_jsonb(c) FROM lab.cars c",
    "SELECT (c).secret FROM lab.cars c",
    "SELECT c::lab.assets FROM lab.cars c",
    "SELECT (c::lab.assets).secret FROM lab.cars c",
    "SELECT secret FROM lab.events_a",
    "SELECT * FROM lab.events",
    "SELECT * FROM lab.events_a",
    "SELECT e FROM lab.events_a e",
    "SELECT * FROM lab.customer_names",
    "SELECT c.ssn::integer FROM lab.customers c",
    "SELECT id FROM lab.customers c ORDER BY c.ssn",
    "SELECT id FROM lab.customers c WHERE c.ssn IS NULL",
    "SELECT id FROM lab.customers WHERE row_to_json(customers)::text LIKE '%111%'",
    "SELECT count(ssn) FROM lab.customers",
    "SELECT ssm FROM lab.customers",
    "SELECT tableoid, ctid, xmin FROM lab.customers",
    "SELECT name::integer FROM lab.customers",
    "SELECT points / (points - 1) / 0 FROM lab.customers",
    "SELECT ctid FROM lab.customers WHERE ctid = '(0,1)'",
    "SELECT 1 FROM lab.customers a JOIN lab.customers b ON a.points = b.points AND a.points = 1999",
    "SELECT * FROM json_populate_record(NULL::lab.customers, '{}')",
    "EXPLAIN SELECT * FROM lab.customers WHERE points = 1999",
];

/// What only the real rows hold.
const REAL: [&str; 14] = [
    "ada@",
    "Ada\"",
    "1999\"",
    "IS 1999",
    "1990-05",
    "1234",
    ".56",
    "111-11",
    "shown",
    "1234567",
    "first\")",
    "b@example",
    "0.50",
    "\\\"n\\\"",
];

#[tokio::test]
async fn no_route_shows_what_a_mask_or_a_denial_keeps_back() {
    let lab = Lab::attacked(SECRETS).await;
    let mut wrong = Vec::new();
    for sql in ROUTES {
        let answer = lab.answer(sql).await;
        for real in REAL {
            if answer.contains(real) || answer.contains("HIDDEN-") || answer.contains("a secret of") {
                wrong.push(format!("{sql}\n   {real}: {answer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What stands behind a mask may change; the answer must not.
#[tokio::test]
async fn no_answer_depends_on_what_a_constant_mask_stands_for() {
    let lab = Lab::attacked(SECRETS).await;
    let mut before = Vec::new();
    for sql in ROUTES {
        before.push(lab.answer(sql).await);
    }
    let change = "UPDATE lab.customers SET email = 'other' || id, phone = '0' || id, points = points - 1, \
        balance = balance - 1, ssn = 'x', notes = '{\"n\": 7}', born = born + 1 WHERE id = 1; \
        UPDATE lab.orders SET note = 'other'; UPDATE lab.assets SET secret = 'other'; UPDATE lab.events SET secret = 'other'";
    lab.database.admin().await.batch_execute(change).await.unwrap();
    let sorted = |answer: &str| {
        let mut bytes: Vec<char> = answer.chars().collect();
        bytes.sort_unstable();
        bytes
    };
    for (sql, before) in ROUTES.iter().zip(before) {
        let after = lab.answer(sql).await;
        assert_eq!(sorted(&before), sorted(&after), "{sql}\n{before}\n{after}");
    }
}
