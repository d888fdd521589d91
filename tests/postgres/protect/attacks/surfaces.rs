//! Places of a statement where a relation, a parameter or a claim could slip by.

use pgwarden::policy::Claims;

use super::{Lab, filtered, policy};

/// `{q}` is a scalar subquery over a guarded relation.
const PLACES: &[&str] = &[
    "SELECT {q}",
    "SELECT 1 WHERE {q} IS NULL",
    "SELECT 1 FROM lab.members m ORDER BY {q}",
    "SELECT 1 UNION SELECT {q}",
    "SELECT 1 UNION (SELECT 2 ORDER BY {q}) ORDER BY 1",
    "SELECT 1 FROM lab.members LIMIT length({q})",
    "SELECT 1 FROM lab.members OFFSET length({q})",
    "VALUES ({q})",
    "SELECT * FROM (VALUES (1, {q})) v",
    "SELECT * FROM lab.members m TABLESAMPLE BERNOULLI (length({q}))",
    "SELECT * FROM generate_series(1, length({q}))",
    "SELECT * FROM unnest(ARRAY[{q}])",
    "SELECT * FROM lab.members m JOIN lab.members n ON m.login = {q}",
    "SELECT * FROM lab.members m, LATERAL (SELECT {q}) l",
    "SELECT count(*) FILTER (WHERE {q} > 'a') FROM lab.members",
    "SELECT array_agg(login ORDER BY {q}) FROM lab.members",
    "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY {q}) FROM lab.members",
    "SELECT sum(1) OVER (PARTITION BY {q}) FROM lab.members",
    "SELECT sum(1) OVER (ORDER BY login ROWS length({q}) PRECEDING) FROM lab.members",
    "SELECT sum(1) OVER w FROM lab.members WINDOW w AS (ORDER BY {q})",
    "SELECT count(*) FROM lab.members GROUP BY {q}",
    "SELECT count(*) FROM lab.members GROUP BY ROLLUP (({q}), login)",
    "SELECT count(*) FROM lab.members GROUP BY GROUPING SETS (({q}), ())",
    "SELECT count(*) FROM lab.members HAVING max(login) > {q}",
    "SELECT DISTINCT ON ({q}) login FROM lab.members",
    "SELECT CASE {q} WHEN 'x' THEN 1 ELSE 2 END",
    "SELECT CASE WHEN {q} = 'x' THEN 1 END",
    "SELECT COALESCE({q}, 'x')",
    "SELECT GREATEST({q}, 'a')",
    "SELECT NULLIF({q}, 'x')",
    "SELECT ARRAY[{q}]",
    "SELECT (ARRAY['a', 'b'])[length({q})]",
    "SELECT (ARRAY['a', 'b'])[1:length({q})]",
    "SELECT ROW({q}, 1)",
    "SELECT {q}::varchar",
    "SELECT {q} COLLATE \"C\"",
    "SELECT {q} LIKE 'H%'",
    "SELECT 'x' LIKE {q} ESCAPE '!'",
    "SELECT {q} IN ('a', 'b')",
    "SELECT 'a' IN ({q}, 'b')",
    "SELECT 'a' BETWEEN {q} AND 'b'",
    "SELECT 'a' IS DISTINCT FROM {q}",
    "SELECT 'a' = ANY (ARRAY[{q}])",
    "SELECT upper(s => {q})",
    "SELECT concat(VARIADIC ARRAY[{q}])",
    "SELECT extract(year FROM CURRENT_DATE) + length({q})",
    "SELECT substring({q} FROM 2 FOR 3)",
    "SELECT trim(both 'x' FROM {q})",
    "SELECT position('x' IN {q})",
    "SELECT overlay('abc' PLACING {q} FROM 1)",
    "SELECT now() AT TIME ZONE 'UTC' + make_interval(days => length({q}))",
    "SELECT {q} IS JSON",
    "WITH w AS (SELECT {q}) SELECT * FROM w",
    "WITH w AS (SELECT {q}) SELECT 1",
    "WITH RECURSIVE w (v) AS (SELECT {q} UNION SELECT {q} FROM w) SELECT * FROM w",
    "SELECT (SELECT (SELECT {q}))",
    "SELECT EXISTS (SELECT {q})",
    "SELECT ARRAY(SELECT {q})",
    "SELECT - length({q})",
    "SELECT NOT ({q} = 'x')",
    "SELECT json_build_object('a', {q})",
    "SELECT l.x FROM (SELECT {q} AS x) l JOIN (SELECT {q} AS x) r USING (x)",
    "TABLE lab.customers",
    "SELECT * FROM (lab.customers CROSS JOIN lab.members)",
    "SELECT * FROM lab.members, LATERAL (TABLE lab.customers) t",
    "WITH customers AS (SELECT * FROM lab.customers) SELECT * FROM customers",
    "WITH pgwarden_row AS (SELECT * FROM lab.customers) SELECT * FROM pgwarden_row",
];

#[tokio::test]
async fn a_relation_is_wrapped_wherever_it_stands() {
    let mut lab = Lab::attacked("[[allow]]\nselect = [\"lab.*\"]").await;
    lab.policy = filtered("tenant = caller.tenant");
    let (mut tried, mut wrong) = (0, Vec::new());
    for place in PLACES {
        let sql = place.replace("{q}", "(SELECT max(c.name) FROM lab.customers c)");
        let Ok(checked) = lab.check(&sql) else { continue };
        tried += 1;
        let text = checked.text();
        let bare = text.matches(r#""lab"."customers""#).count();
        let wrapped = text.matches(r#""lab"."customers" AS "pgwarden_row""#).count();
        let answer = lab.answer(&sql).await;
        if bare == 0 || bare != wrapped || answer.contains("HIDDEN-C") || answer.contains("999999") {
            wrong.push(format!("{sql}\n   {text}\n   {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > PLACES.len() - 10, "{tried} of {}", PLACES.len());
}

#[tokio::test]
async fn a_caller_cannot_reach_nor_replace_what_is_bound_behind_the_parameters() {
    let mut lab = Lab::attacked("[[allow]]\nselect = [\"lab.*\"]").await;
    lab.policy = filtered("tenant = caller.tenant");
    let given = |values: &[&str]| values.iter().map(|v| Some((*v).to_owned())).collect::<Vec<_>>();
    let id = "SELECT id FROM lab.customers";
    for (sql, values) in [
        (id.to_owned(), vec!["b"]),
        (format!("{id} WHERE id > $1"), vec!["0", "b"]),
        (format!("{id} WHERE id > $2"), vec!["0"]),
        (format!("{id} WHERE id > $2"), vec!["0", "0", "b"]),
        (format!("{id} LIMIT $1"), vec!["9", "b"]),
        (format!("{id} TABLESAMPLE BERNOULLI ($1)"), vec!["100", "b"]),
        ("SELECT $1::text, $3::text FROM lab.customers".to_owned(), vec!["x", "y"]),
        ("SELECT sum(1) OVER (ROWS $1 PRECEDING) FROM lab.customers".to_owned(), vec!["1", "b"]),
    ] {
        assert!(lab.run_with(&sql, &given(&values)).await.is_err(), "{sql}");
    }
    // The highest number counts, wherever it stands; what is bound comes behind it.
    for sql in [
        "SELECT $2::text, name, $1::text FROM lab.customers",
        "SELECT name FROM lab.customers WHERE EXISTS (SELECT $2::text, $1::text)",
        "WITH w AS (SELECT $2::text, $1::text) SELECT name FROM lab.customers",
        "SELECT array_agg(name ORDER BY $2::text) FILTER (WHERE $1::text IS NOT NULL) FROM lab.customers",
    ] {
        let page = lab.run_with(sql, &given(&["b", "b"])).await.unwrap();
        let shown = format!("{:?}", page.rows);
        assert!(shown.contains("Ada") && !shown.contains("HIDDEN-"), "{sql}: {shown}");
    }
    // A copied condition leaves every parameter the type that it had.
    for (sql, values) in [
        ("SELECT $1::numeric FROM lab.customers WHERE points < $1 AND length(name) > 0", vec!["2000.5"]),
        (
            "SELECT $1 || name FROM lab.customers WHERE points < $1::integer AND length(name) > 0",
            vec!["2000"],
        ),
        ("SELECT id FROM lab.customers WHERE points < $1 AND length(name) > $1", vec!["2"]),
        ("SELECT id FROM lab.customers WHERE points IN ($1, 2.5) AND length(name) > 0", vec!["1999.0"]),
    ] {
        let behind = lab.run_with(sql, &given(&values)).await.map(|page| page.rows.len());
        lab.policy = policy("[[allow]]\nselect = [\"lab.*\"]");
        let open = lab.run_with(sql, &given(&values)).await.map(|page| page.rows.len());
        assert_eq!(behind.is_ok(), open.is_ok(), "{sql}: {behind:?} {open:?}");
        lab.policy = filtered("tenant = caller.tenant");
    }
}

#[tokio::test]
async fn a_claim_is_a_value_whatever_it_holds() {
    let mut lab = Lab::attacked("[[allow]]\nselect = [\"lab.*\"]").await;
    lab.policy = filtered("tenant = caller.tenant");
    let long = "b".repeat(1_000_000);
    for value in [
        "",
        "b' OR 'a'='a",
        "' OR TRUE --",
        "a,b",
        "a b",
        "{b}",
        "$1",
        "\"tenant\"",
        "tenant",
        "%",
        "a\0b",
        "B",
        &long,
    ] {
        lab.claims = Claims::from_iter([("tenant", value)]);
        let answer = lab.answer("SELECT id, name FROM lab.customers").await;
        assert!(!answer.contains("HIDDEN-") && !answer.contains("Ada"), "{value:.40}: {answer:.400}");
        assert!(!answer.contains("bbbb"), "{answer:.400}");
    }
    // One claim, held against a text here and a number there.
    lab.claims = Claims::from_iter([("tenant", "2")]);
    lab.policy = policy(
        "[[allow]]\nselect = [\"lab.*\"]\n[[filter]]\nrelations = [\"lab.customers\"]\nwhere = \"id = caller.tenant\"\n\
         [[filter]]\nrelations = [\"lab.members\"]\nwhere = \"tenant <> caller.tenant\"",
    );
    assert_eq!(
        lab.rows("SELECT c.id, count(*) FROM lab.customers c, lab.members m GROUP BY c.id").await,
        "2|2"
    );
}

#[tokio::test]
async fn a_condition_is_one_expression_or_nothing_is_answered() {
    let mut lab = Lab::attacked("[[allow]]\nselect = [\"lab.*\"]").await;
    for condition in [
        "true) OR (true",
        "true; SELECT 1",
        "true AS x",
        "true, true",
        "true FROM lab.members",
        "true WHERE true",
        "true ORDER BY 1",
        "true UNION SELECT true",
        "*",
        "true LIMIT 1",
        "DISTINCT true",
        "tenant = $1",
        "true GROUP BY 1",
        "-- nothing",
        "true /* ( */) --",
        "pg_read_file('x') = ''",
        "lab.count_all() > 0",
    ] {
        lab.policy = filtered(condition);
        assert_ne!(pgwarden::sql::policy_errors(&lab.policy, &lab.cx()), [], "{condition}");
        let answer = lab.answer("SELECT id FROM lab.customers").await;
        assert!(answer.contains("policy.condition"), "{condition}: {answer}");
    }
}
