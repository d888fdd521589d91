//! What is read of a query, without a database.

use super::*;
use crate::sql::{lower, parse};

/// As after resolution, which the texts here are written like.
fn used(sql: &str) -> Vec<TableUse> {
    of(&mut lower::statement(parse::parse(sql).unwrap()).unwrap())
}

fn columns(list: &[(String, bool)]) -> Vec<(&str, bool)> {
    list.iter().map(|(column, descending)| (column.as_str(), *descending)).collect()
}

#[test]
fn each_comparison_goes_into_its_list() {
    let sql = "SELECT o.id FROM shop.orders AS o JOIN shop.customers AS c ON c.id = o.customer_id
        WHERE o.status = 'open' AND 5 < o.total AND o.placed_at BETWEEN '2024' AND '2025' AND o.kind IN (1, 2)
          AND lower(c.email) = 'x' AND c.tags @> '{}' AND c.name LIKE '%x' AND (o.a = 1 OR o.b = 2) AND o.c <> 3";
    let [orders, customers] = &used(sql)[..] else { panic!() };
    assert_eq!(
        (orders.relation.to_string(), &orders.equal[..]),
        ("shop.orders".to_owned(), &["status".to_owned(), "kind".to_owned()][..])
    );
    assert_eq!(
        (&orders.range[..], &orders.joined[..]),
        (&["total".to_owned(), "placed_at".to_owned()][..], &["customer_id".to_owned()][..])
    );
    assert_eq!(
        (&customers.joined[..], &customers.within[..]),
        (&["id".to_owned()][..], &["tags".to_owned()][..])
    );
    assert_eq!(customers.wrapped, [("email".to_owned(), "lower()".to_owned())]);
    assert_eq!(customers.open_patterns, ["name"]);
    assert!(orders.named.contains("b") && !orders.whole);
}

#[test]
fn an_order_is_found_behind_names_and_numbers_of_result_columns() {
    for (sql, expected) in [
        ("SELECT * FROM s.t AS t ORDER BY a DESC, b", vec![("a", true), ("b", false)]),
        ("SELECT t.a AS x, t.b FROM s.t AS t ORDER BY x, 2 DESC", vec![("a", false), ("b", true)]),
        ("SELECT t.a FROM s.t AS t ORDER BY t.a, lower(t.b), t.c", vec![("a", false)]),
        ("SELECT lower(t.a) AS x FROM s.t AS t ORDER BY x", vec![]),
        ("SELECT * FROM s.t AS t, s.u AS u ORDER BY a", vec![]),
        ("SELECT t.a FROM s.t AS t ORDER BY 7", vec![]),
    ] {
        assert_eq!(columns(&used(sql)[0].order), expected, "{sql}");
    }
    assert_eq!(used("SELECT t.a, count(*) FROM s.t AS t GROUP BY 1")[0].group, ["a"]);
}

#[test]
fn an_inner_query_knows_the_tables_around_it() {
    let sql = "SELECT 1 FROM s.t AS t WHERE EXISTS (SELECT 1 FROM s.u AS u WHERE u.id = t.id AND t.a = 4)";
    let [t, u] = &used(sql)[..] else { panic!() };
    assert_eq!((&t.joined[..], &u.equal[..]), (&["id".to_owned()][..], &["id".to_owned()][..]));
    assert_eq!(t.equal, ["a"]);
}
