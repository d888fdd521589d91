//! A hidden row must not matter: the answer is the same after it was deleted.

use std::collections::BTreeMap;

use super::{Lab, filtered, policy};

/// `{x}` raises an error for a hidden row of `c` alone, `{b}` is a condition with it.
const RAISING: &[&str] = &[
    "SELECT c.id FROM lab.customers c WHERE {b}",
    "SELECT c.id FROM lab.customers c WHERE c.id > 0 AND {b}",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT 1 FROM lab.orders o WHERE o.customer_id = c.id AND {b})",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT 1 FROM lab.orders o GROUP BY {x})",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT max({x}) FROM lab.orders o)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT max({x}) FROM lab.members m)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT max(({x}) + length(m.login)) FROM lab.members m)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT count(*) FILTER (WHERE {b}) FROM lab.members m)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT 1 FROM lab.members m LIMIT {x})",
    "SELECT c.id FROM lab.customers c WHERE NOT EXISTS (SELECT 1 FROM lab.members m LIMIT abs({x}))",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT 1 FROM lab.members m OFFSET abs({x}))",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT 1 FROM generate_series(0, abs({x})))",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT 1 FROM lab.members m, generate_series(0, abs({x})))",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT 1 FROM lab.members m, unnest(ARRAY[{x}]) u)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (VALUES ({x}))",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (VALUES ({x}), (1) OFFSET 1)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT {x} UNION SELECT 1)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT {x} INTERSECT SELECT 1)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT DISTINCT {x} FROM lab.members m)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT DISTINCT {x} FROM lab.members m OFFSET 0)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT generate_series(0, abs({x})))",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT sum(1) OVER (PARTITION BY {x}) FROM lab.members m)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT 1 FROM lab.members m WINDOW w AS (ORDER BY {x}) OFFSET 0)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (WITH w AS MATERIALIZED (SELECT {x} AS v) SELECT max(v) FROM w)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (WITH w AS (SELECT {x} AS v) SELECT max(v) FROM w)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT max(v) FROM (SELECT {x} AS v) d)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT v FROM (SELECT {x} AS v OFFSET 0) d OFFSET 0)",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT 1 FROM lab.members m TABLESAMPLE BERNOULLI (200 - c.points % 2000))",
    "SELECT c.id FROM lab.customers c WHERE EXISTS (SELECT m.login FROM lab.members m ORDER BY {x} OFFSET 0)",
    "SELECT c.id FROM lab.customers c WHERE c.id IN (SELECT o.customer_id FROM lab.orders o ORDER BY {x})",
    "SELECT c.id FROM lab.customers c WHERE c.id IN (SELECT o.customer_id FROM lab.orders o OFFSET abs({x}))",
    "SELECT c.id FROM lab.customers c WHERE c.id IN (SELECT o.customer_id FROM lab.orders o LIMIT abs({x}))",
    "SELECT c.id FROM lab.customers c WHERE c.id IN (SELECT o.customer_id FROM lab.orders o GROUP BY o.customer_id, {x})",
    "SELECT c.id FROM lab.customers c WHERE c.id IN (SELECT DISTINCT ON ({x}) o.customer_id FROM lab.orders o)",
    "SELECT c.id FROM lab.customers c WHERE c.id NOT IN (SELECT o.customer_id FROM lab.orders o, generate_series(0, abs({x})))",
    "SELECT c.id FROM lab.customers c WHERE c.name IN (SELECT m.login FROM lab.members m ORDER BY {x})",
    "SELECT c.id FROM lab.customers c WHERE c.name NOT IN (SELECT m.login FROM lab.members m OFFSET abs({x}))",
    "SELECT c.id FROM lab.customers c WHERE c.name NOT IN (SELECT m.login FROM lab.members m GROUP BY m.login, {x})",
    "SELECT c.id FROM lab.customers c WHERE c.name NOT IN (SELECT m.login FROM lab.members m, LATERAL (SELECT {x} OFFSET 0) l)",
    "SELECT c.id FROM lab.customers c WHERE c.name = ANY (SELECT m.login FROM lab.members m ORDER BY {x})",
    "SELECT c.id FROM lab.customers c WHERE c.name > ALL (SELECT m.login FROM lab.members m OFFSET abs({x}))",
    "SELECT c.id FROM lab.customers c WHERE c.id = (SELECT {x})",
    "SELECT c.id FROM lab.customers c WHERE (c.id, 1) = (SELECT 1, {x})",
    "SELECT c.id FROM lab.customers c WHERE ROW(c.id, {x}) IS NOT NULL",
    "SELECT c.id FROM lab.customers c WHERE CASE WHEN c.id > 0 THEN {b} END",
    "SELECT c.id FROM lab.customers c WHERE COALESCE({x}, 1) IS NOT NULL",
    "SELECT c.id FROM lab.customers c WHERE ({b}) IS NOT NULL",
    "SELECT c.id FROM lab.customers c WHERE NOT ({b})",
    "SELECT c.id FROM lab.customers c WHERE {x} BETWEEN -1 AND 5",
    "SELECT c.id FROM lab.customers c WHERE c.id BETWEEN SYMMETRIC {x} AND 5",
    "SELECT c.id FROM lab.customers c WHERE c.id IN ({x}, 2)",
    "SELECT c.id FROM lab.customers c WHERE c.id = ANY (ARRAY[{x}, 2])",
    "SELECT c.id FROM lab.customers c WHERE (ARRAY[1, 2])[{x}] IS NULL",
    "SELECT c.id FROM lab.customers c WHERE c.id IS DISTINCT FROM {x}",
    "SELECT c.id FROM lab.customers c JOIN lab.members m ON {b}",
    "SELECT c.id FROM lab.customers c LEFT JOIN lab.members m ON {b}",
    "SELECT c.id FROM lab.members m LEFT JOIN lab.customers c ON {b}",
    "SELECT c.id FROM lab.members m RIGHT JOIN lab.customers c ON {b}",
    "SELECT c.id, m.login FROM lab.members m FULL JOIN lab.customers c ON m.login = c.name AND m.tenant = c.tenant WHERE {b}",
    "SELECT c.id FROM lab.members m CROSS JOIN lab.customers c WHERE {b}",
    "SELECT c.id FROM lab.members m JOIN lab.customers c ON EXISTS (SELECT max({x}) FROM lab.members)",
    "SELECT c.id FROM lab.members m JOIN lab.customers c ON c.name NOT IN (SELECT x.login FROM lab.members x OFFSET abs({x}))",
    "SELECT c.id FROM lab.customers c JOIN lab.orders o ON o.customer_id = c.id AND o.id > {x}",
    "SELECT d.id FROM (SELECT c.id, {x} AS v FROM lab.customers c) d WHERE d.v IS NOT NULL",
    "SELECT d.id FROM (SELECT c.id, {x} AS v FROM lab.customers c) d JOIN lab.members m ON d.v > 0",
    "SELECT count(*) FROM (SELECT c.id, {x} AS v FROM lab.customers c) d JOIN lab.odd e ON d.v = e.id",
    "SELECT id FROM (SELECT {x} AS id FROM lab.customers c) d JOIN lab.orders o USING (id)",
    "SELECT id FROM (SELECT {x} AS id FROM lab.customers c) d NATURAL JOIN (SELECT id FROM lab.orders) o",
    "WITH w AS (SELECT c.id, {x} AS v FROM lab.customers c) SELECT id FROM w WHERE v < 5",
    "WITH w AS MATERIALIZED (SELECT c.id, {x} AS v FROM lab.customers c) SELECT id FROM w WHERE v < 5",
    "WITH w AS NOT MATERIALIZED (SELECT c.id, {x} AS v FROM lab.customers c) SELECT a.id FROM w a JOIN w b ON a.v = b.v",
    "WITH RECURSIVE w (n) AS (SELECT 1 UNION ALL SELECT w.n + 1 FROM w JOIN lab.customers c ON c.id = w.n WHERE {b}) SELECT n FROM w",
    "SELECT c.id, g FROM lab.customers c, generate_series(0, abs({x})) g",
    "SELECT c.id, u FROM lab.customers c, unnest(ARRAY[{x}]) u",
    "SELECT c.id, u FROM lab.customers c LEFT JOIN unnest(ARRAY[{x}]) u ON true",
    "SELECT c.id, l.v FROM lab.customers c, LATERAL (SELECT {x} AS v OFFSET 0) l",
    "SELECT c.id, l.v FROM lab.customers c LEFT JOIN LATERAL (SELECT {x} AS v LIMIT 1) l ON true",
    "SELECT c.id, l.v FROM lab.customers c, LATERAL (SELECT max({x}) AS v FROM lab.members m) l",
    "SELECT c.id, l.v FROM lab.customers c, LATERAL (VALUES ({x})) l (v)",
    "SELECT c.id, l.n FROM lab.customers c, LATERAL (SELECT count(*) AS n FROM lab.members m GROUP BY {x}) l",
    "SELECT {x} FROM lab.customers c",
    "SELECT c.id FROM lab.customers c ORDER BY {x}",
    "SELECT c.id FROM lab.customers c ORDER BY {x} USING <",
    "SELECT count(*) FROM lab.customers c GROUP BY {x}",
    "SELECT count(*) FROM lab.customers c GROUP BY ROLLUP (c.id, {x})",
    "SELECT DISTINCT ON ({x}) c.id FROM lab.customers c",
    "SELECT DISTINCT {x} FROM lab.customers c",
    "SELECT rank() OVER (PARTITION BY {x} ORDER BY c.id) FROM lab.customers c",
    "SELECT sum(c.id) FILTER (WHERE {b}) FROM lab.customers c",
    "SELECT max({x}) FROM lab.customers c",
    "SELECT array_agg(c.id ORDER BY {x}) FROM lab.customers c",
    "SELECT c.tenant FROM lab.customers c GROUP BY c.tenant HAVING max({x}) < 5",
    "SELECT c.points FROM lab.customers c GROUP BY c.points HAVING {b}",
    "SELECT {x} FROM lab.customers c UNION SELECT 1",
    "SELECT {x} FROM lab.customers c EXCEPT SELECT 1",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM lab.customers c WHERE {b})",
    "SELECT EXISTS (SELECT 1 FROM lab.customers c WHERE {b})",
    "SELECT (SELECT count(*) FROM lab.customers c WHERE {b})",
    "SELECT c.id FROM lab.customers c LIMIT (SELECT count(*) FROM lab.customers c WHERE {b})",
    "SELECT c.id FROM lab.customers c TABLESAMPLE BERNOULLI (100) WHERE {b}",
    "SELECT pgwarden_row.id FROM lab.members pgwarden_row JOIN lab.customers c ON {b}",
    "SELECT value.id FROM lab.customers value JOIN lab.customers c ON c.id = value.id WHERE {b}",
    "SELECT caller.tenant FROM lab.members caller JOIN lab.customers c ON c.tenant = caller.tenant WHERE {b}",
    "SELECT c.id FROM lab.customers c WHERE (SELECT c.id FROM lab.orders c WHERE c.id = 10) = 10 AND {b}",
];

/// Without an error in sight.
const QUIET: &[&str] = &[
    "SELECT c.id FROM lab.odd c WHERE c.german = c.english",
    "SELECT c.id FROM lab.odd c WHERE c.german < c.english",
    "SELECT c.id FROM lab.odd c JOIN lab.members m ON c.german = m.login AND c.english < c.german",
    "SELECT c.id FROM lab.odd c WHERE c.huge = c.ratio",
    "SELECT c.id FROM lab.odd c WHERE c.huge < 5::double precision",
    "SELECT c.id FROM lab.odd c WHERE c.day < c.moment",
    "SELECT c.id FROM lab.odd c WHERE c.day::timestamp = c.moment",
    "SELECT c.id FROM lab.odd c WHERE c.german IN (SELECT o.english FROM lab.odd o)",
    "SELECT a.id FROM lab.odd a JOIN (SELECT id, english AS german FROM lab.odd) b USING (german)",
    "SELECT m.login FROM lab.members m WHERE m.login IN (SELECT o.english FROM lab.odd o WHERE o.german > o.english)",
    "WITH w AS (SELECT max(1 / (length(m.login) - length(m.login))) AS v FROM lab.members m) SELECT c.id FROM lab.odd c WHERE EXISTS (SELECT 1 FROM w)",
    "WITH w AS (SELECT max(1 / (length(m.login) - length(m.login))) AS v FROM lab.members m) SELECT c.id FROM lab.odd c, w",
    "WITH w AS (SELECT max(1 / (length(m.login) - length(m.login))) AS v FROM lab.members m) SELECT c.id FROM lab.odd c LEFT JOIN w ON true",
    "SELECT c.id FROM lab.odd c WHERE EXISTS (SELECT max(1 / (length(m.login) - length(m.login))) FROM lab.members m)",
    "SELECT count(*), min(id), max(id) FROM lab.odd",
    "SELECT min(c.id) FROM lab.customers c HAVING count(*) > 2",
    "SELECT c FROM lab.customers c WHERE c IS NOT NULL",
    "SELECT (c).* FROM lab.customers c WHERE (c).points > 5 OR c IS NULL",
    "SELECT to_jsonb(c) FROM lab.customers c ORDER BY c::text DESC LIMIT 1",
    "SELECT c::text FROM lab.customers c WHERE c::text > 'x'",
    "SELECT c.id FROM lab.customers c WHERE (c.id, c.points) >= (3, 0)",
    "SELECT c.id, o.id FROM lab.customers c FULL JOIN lab.orders o ON o.customer_id = c.id",
    "SELECT m.login, c.id FROM lab.members m FULL JOIN lab.customers c ON m.tenant = c.tenant",
    "SELECT m.login, c.id FROM lab.members m LEFT JOIN lab.customers c ON m.tenant = c.tenant WHERE c.id IS NULL",
    "SELECT m.login FROM lab.members m WHERE NOT EXISTS (SELECT 1 FROM lab.customers c WHERE c.tenant = m.tenant)",
    "SELECT m.login FROM lab.members m WHERE m.tenant NOT IN (SELECT c.tenant FROM lab.customers c)",
    "SELECT m.login FROM lab.members m WHERE m.tenant < ALL (SELECT c.name FROM lab.customers c)",
    "SELECT j.tenant, j.n FROM (lab.customers c JOIN lab.members m USING (tenant)) AS j (tenant, i, n) WHERE j.tenant >= 'a'",
    "SELECT m.tenant FROM lab.customers JOIN lab.members USING (tenant) AS m",
    "SELECT count(*) FROM lab.customers NATURAL JOIN lab.orders",
    "SELECT tenant, count(*) FROM lab.customers GROUP BY GROUPING SETS ((tenant), ()) ",
    "SELECT tenant, state, sum(amount) FROM lab.orders GROUP BY CUBE (tenant, state)",
    "SELECT id, row_number() OVER (ORDER BY points DESC), lag(points) OVER (ORDER BY id DESC) FROM lab.customers",
    "SELECT DISTINCT ON (length(tenant)) id FROM lab.customers ORDER BY length(tenant), id DESC",
    "SELECT id FROM lab.customers EXCEPT SELECT customer_id FROM lab.orders WHERE note = 'first'",
    "SELECT customer_id FROM lab.orders INTERSECT ALL SELECT id FROM lab.customers",
    "WITH RECURSIVE w AS (SELECT max(id) AS n FROM lab.customers UNION SELECT n - 1 FROM w WHERE n > 1) SELECT * FROM w",
    "SELECT id FROM lab.events",
    "SELECT id FROM lab.events_b",
    "SELECT id FROM ONLY lab.events",
    "SELECT id, secret FROM lab.assets",
    "SELECT id, secret FROM ONLY lab.assets",
    "SELECT id, wheels FROM lab.cars",
    "SELECT percentile_disc(1) WITHIN GROUP (ORDER BY points) FROM lab.customers",
    "SELECT o.id FROM lab.orders o WHERE o.state > 'paid'",
    "SELECT id FROM lab.customers ORDER BY points DESC FETCH FIRST 1 ROWS WITH TIES",
    "SELECT id FROM lab.customers OFFSET 2",
    "SELECT id FROM lab.orders WHERE placed NOT IN ('2026-01-10 12:00', CURRENT_TIMESTAMP) AND length(tenant) = 1",
    "SELECT id FROM lab.orders WHERE amount IN ('100', 70.00) AND length(tenant) = 1",
    "SELECT id FROM lab.customers WHERE id IN ('1.0', 2.5) AND length(tenant) = 1",
    "SELECT id FROM lab.customers WHERE id BETWEEN '1' AND 2.5 AND length(tenant) = 1",
    "SELECT id FROM lab.customers WHERE id NOT IN (1, NULL) AND length(tenant) = 1",
    "SELECT id FROM lab.customers c WHERE 2 <= id AND '5' > id AND length(tenant) = 1",
    "SELECT m.login, (SELECT count(*) FROM lab.customers c WHERE c.tenant = m.tenant AND length(c.name) > 1) FROM lab.members m",
    "SELECT m.login, c.id FROM lab.members m LEFT JOIN lab.customers c ON c.tenant = m.tenant WHERE c.id = 1 AND length(m.login) = 3",
    "SELECT m.login, c.id FROM lab.members m FULL JOIN lab.customers c ON c.tenant = m.tenant WHERE c.id <> 1 AND length(m.login) = 3",
    "SELECT c.id, c.name, c.notes FROM lab.customers c LEFT JOIN lab.orders o ON o.customer_id = c.id GROUP BY c.id",
    "SELECT o.id, c.name FROM lab.orders o LEFT JOIN lab.customers c ON c.id = o.customer_id + 1 GROUP BY o.id, c.id",
    "SELECT c.id, c.tenant, count(*) FROM lab.customers c, lab.orders o GROUP BY c.id HAVING max(c.points) > min(length(c.name))",
    "SELECT a.id FROM lab.assets a GROUP BY a.id, a.secret",
];

const ATOMS: [(&str, &str); 2] = [
    ("(10 / (c.points - 999999))", "10 / (c.points - 999999) < 5"),
    ("((c.notes ->> 'n')::integer)", "(c.notes ->> 'n')::integer < 5"),
];

/// Cheaper than the caller's condition, dearer than it, a join.
const FILTERS: [&str; 4] = [
    "tenant = caller.tenant",
    "lower(lower(lower(lower(tenant)))) = 'a'",
    "tenant IN (SELECT m.tenant FROM lab.members AS m WHERE m.login = 'ann')",
    "tenant IN (SELECT m.tenant FROM lab.many AS m)",
];

#[tokio::test]
async fn a_row_that_a_filter_hides_might_as_well_not_exist() {
    let mut lab = Lab::attacked("[[allow]]\nselect = [\"lab.*\"]").await;
    let mut statements = Vec::new();
    for (at, filter) in FILTERS.into_iter().enumerate() {
        for (nth, shape) in RAISING.iter().enumerate() {
            let (x, b) = ATOMS[(at + nth) % ATOMS.len()];
            statements.push((filter, shape.replace("{x}", x).replace("{b}", b)));
        }
        statements.extend(QUIET.iter().map(|sql| (filter, (*sql).to_owned())));
    }
    let found = compare(&mut lab, statements).await;
    assert!(found.wrong.is_empty(), "{}:\n{}", found.wrong.len(), found.wrong.join("\n"));
    assert!(found.tried > 450 && found.refused < found.tried / 12, "{} of {}", found.refused, found.tried);
}

struct Found {
    tried: usize,
    refused: usize,
    wrong: Vec<String>,
}

/// Each statement with the hidden rows there, with them deleted, and then without any filter.
async fn compare(lab: &mut Lab, statements: Vec<(&str, String)>) -> Found {
    let mut found = Found { tried: statements.len(), refused: 0, wrong: Vec::new() };
    let mut with = Vec::new();
    for (filter, sql) in &statements {
        lab.policy = filtered(filter);
        with.push(lab.outcome(sql).await);
    }
    lab.without_hidden_rows().await;
    let mut open: BTreeMap<&str, String> = BTreeMap::new();
    lab.policy = policy("[[allow]]\nselect = [\"lab.*\"]");
    for (_, sql) in &statements {
        if !open.contains_key(sql.as_str()) {
            open.insert(sql, lab.outcome(sql).await);
        }
    }
    for ((filter, sql), with) in statements.iter().zip(with) {
        lab.policy = filtered(filter);
        let without = lab.outcome(sql).await;
        let refused = with.starts_with("refused");
        found.refused += usize::from(refused);
        if with != without || with != open[sql.as_str()] && !refused || with.contains("HIDDEN-") {
            let how = lab.check(sql).map(|checked| checked.enforced().first().map(|one| one.by));
            let open = &open[sql.as_str()];
            found.wrong.push(format!(
                "{filter}: {how:?} {sql}\n   with    {with}\n   without {without}\n   open    {open}"
            ));
        }
    }
    found
}
