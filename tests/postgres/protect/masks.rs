//! Masked and denied columns.

use super::Lab;

const MASKS: &str = r#"
[[allow]]
select = ["lab.*"]
[[deny]]
select = ["*.*.ssn"]
reason = "social security numbers stay where they are"
[[mask]]
columns = ["*.*.email"]
with = "email"
[[mask]]
columns = ["*.customers.phone"]
with = { keep_last = 3 }
[[mask]]
columns = ["lab.customers.name"]
with = { hash = "MASK_KEY" }
predicates = true
[[mask]]
columns = ["lab.customers.born"]
with = { date = "year" }
[[mask]]
columns = ["lab.customers.seen"]
with = { date = "month" }
[[mask]]
columns = ["lab.customers.points"]
with = { bucket = 1000 }
[[mask]]
columns = ["lab.customers.balance"]
with = "null"
[[mask]]
columns = ["lab.customers.tenant"]
with = { text = "?" }
[[mask]]
columns = ["lab.orders.note"]
with = { expression = "CASE WHEN amount > 90 THEN upper(value) ELSE value END" }
"#;

#[tokio::test]
async fn each_mask_gives_its_value_everywhere() {
    let lab = Lab::create(MASKS).await;
    for (columns, expected) in [
        ("email", "a***@example.org *** H***@example.org"),
        ("phone", "***567 NULL ***N-3"),
        ("born", "1990-01-01 2001-01-01 1970-01-01"),
        ("points", "1000 -1000 999000"),
        ("balance", "NULL NULL NULL"),
        ("tenant", "? ? ?"),
    ] {
        assert_eq!(lab.rows(&format!("SELECT {columns} FROM lab.customers ORDER BY id")).await, expected);
    }
    let seen = lab.rows("SELECT seen AT TIME ZONE 'UTC' FROM lab.customers ORDER BY id").await;
    assert_eq!(seen, "2026-03-01 00:00:00 2026-01-01 00:00:00 2026-02-01 00:00:00");
    assert_eq!(lab.rows("SELECT note FROM lab.orders ORDER BY id").await, "FIRST SECOND NULL HIDDEN-NOTE");
    // However it is reached.
    for sql in [
        "SELECT c.email FROM lab.customers AS c WHERE id = 1",
        "WITH w AS (SELECT * FROM lab.customers) SELECT email FROM w WHERE id = 1",
        "SELECT lab.customers.email FROM lab.customers WHERE id = 1",
        "SELECT (SELECT email FROM lab.customers WHERE id = 1)",
        "SELECT max(email) FILTER (WHERE id = 1) FROM lab.customers",
        "SELECT email FROM ONLY lab.customers WHERE id = 1",
        "SELECT email FROM lab.customers TABLESAMPLE BERNOULLI (100) WHERE id = 1",
        "SELECT o.email FROM lab.orders JOIN lab.customers AS o ON o.id = customer_id WHERE orders.id = 10",
    ] {
        if sql.contains("FROM ONLY") && lab.check(sql).is_err() {
            continue;
        }
        assert_eq!(lab.rows(sql).await, "a***@example.org", "{sql}");
    }
}

#[tokio::test]
async fn a_hash_is_the_same_for_the_same_value_and_its_key_is_in_no_text() {
    let lab = Lab::create(MASKS).await;
    let names = lab.rows("SELECT DISTINCT name FROM lab.customers").await;
    let hashes: Vec<&str> = names.split(' ').collect();
    assert_eq!(hashes.len(), 3);
    assert!(hashes.iter().all(|hash| hash.len() == 32 && hash.chars().all(|c| c.is_ascii_hexdigit())));
    let joined = "SELECT count(*) FROM lab.customers AS a JOIN lab.customers AS b ON a.name = b.name";
    assert_eq!(lab.rows(joined).await, "3");
    let checked = lab.check(joined).unwrap();
    assert!(!checked.text().contains("sixteen") && checked.bound().len() == 1);
    assert_eq!(checked.notices().len(), 2);
}

#[tokio::test]
async fn a_masked_column_is_compared_only_where_its_mask_says_so() {
    let lab = Lab::create(MASKS).await;
    for sql in [
        "SELECT id FROM lab.customers WHERE email = 'ada@example.org'",
        "SELECT id FROM lab.customers AS c WHERE EXISTS (SELECT 1 FROM lab.orders AS o WHERE o.note = c.email)",
        "SELECT 1 FROM lab.customers AS c JOIN lab.orders AS o ON c.tenant = o.tenant",
        "SELECT 1 FROM lab.customers JOIN lab.orders USING (tenant)",
        "SELECT 1 FROM (SELECT id, tenant FROM lab.orders) AS x NATURAL JOIN lab.orders",
        "SELECT count(*) FROM lab.customers GROUP BY id HAVING max(email) > 'b'",
    ] {
        let rule = lab.check(sql).map(|checked| checked.text().to_owned()).unwrap_err().rule.unwrap();
        assert!(rule.starts_with("mask[") || rule == "sql.natural_join", "{sql}: {rule}");
    }
    assert!(lab.check("SELECT email, count(*) FROM lab.customers GROUP BY email ORDER BY email").is_ok());
}

#[tokio::test]
async fn a_denied_column_is_refused_by_every_route_and_star_leaves_it_out() {
    let lab = Lab::create(MASKS).await;
    for sql in [
        "SELECT ssn FROM lab.customers",
        "SELECT c.ssn FROM lab.customers AS c",
        "SELECT c FROM lab.customers AS c",
        "SELECT row_to_json(c) FROM lab.customers AS c",
        "SELECT to_jsonb(c) ->> 'ssn' FROM lab.customers AS c",
        "SELECT json_agg(c) FROM lab.customers AS c",
        "SELECT c::text FROM lab.customers AS c",
        "SELECT (c).ssn FROM lab.customers AS c",
        "SELECT ssn(c) FROM lab.customers AS c",
        "SELECT z FROM lab.customers AS e (a, b, c, d, e, z)",
        "SELECT 1 FROM lab.customers JOIN (VALUES ('111-11-1111')) AS p (ssn) USING (ssn)",
        "SELECT 1 FROM lab.customers NATURAL JOIN (VALUES ('111-11-1111')) AS p (ssn)",
        "SELECT id FROM lab.customers ORDER BY ssn",
        "SELECT id FROM lab.customers WHERE ssn IS NULL",
        "SELECT 'x' FROM lab.customers GROUP BY ssn",
        "SELECT 1 UNION SELECT ssn FROM lab.customers",
        "SELECT U&\"s\\0073n\" FROM lab.customers",
        "SELECT * FROM pg_stats WHERE attname = 'ssn'",
        "SELECT query_to_xml('select ssn from lab.customers', true, true, '')",
        "SELECT word FROM ts_stat('select to_tsvector(ssn) from lab.customers')",
        "SELECT (SELECT ssn) FROM lab.customers",
        "SELECT NULL::lab.customers",
        "SELECT jsonb_populate_record(NULL::lab.customers, '{}')",
    ] {
        let answer = lab.answer(sql).await;
        assert!(!answer.contains("111-11") && !answer.contains("HIDDEN-333"), "{sql}: {answer}");
        assert!(lab.check(sql).is_err(), "{sql}");
    }
    let stars = lab.answer("SELECT * FROM lab.customers").await;
    assert!(!stars.contains("ssn") && !stars.contains("111-11"), "{stars}");
    let refusal = lab.check("SELECT ssn FROM lab.customers").unwrap_err();
    assert!(refusal.message.contains("social security numbers stay"), "{refusal}");
    assert!(lab.check("SELECT * FROM lab.customer_names").is_err(), "the view shows a masked name");
}
