//! A wrap changes nothing for legitimate statements but what it keeps back.

use super::Lab;

const ALL_ROWS: &str = r#"
[[allow]]
select = ["lab.*"]
[[filter]]
relations = ["lab.customers", "lab.orders"]
where = "true"
"#;

#[tokio::test]
async fn grouping_by_a_primary_key_goes_on_working() {
    let lab = Lab::create(ALL_ROWS).await;
    for (sql, expected) in [
        (
            "SELECT c.id, c.name, count(*) FROM lab.customers c JOIN lab.orders o ON o.customer_id = c.id \
             GROUP BY c.id ORDER BY c.balance",
            "2|Bo|1 1|Ada|2 3|HIDDEN-Cleo|1",
        ),
        ("SELECT id, notes FROM lab.customers GROUP BY id ORDER BY id LIMIT 1", "1|{\"n\": 1}"),
        ("SELECT upper(name), max(points) FROM lab.customers GROUP BY id HAVING points < 0", "BO|-5"),
        (
            "SELECT id, name, count(*) FROM lab.customers GROUP BY GROUPING SETS ((id), (id, name)) ORDER BY 1, 2 LIMIT 2",
            "1|Ada|1 1|NULL|1",
        ),
    ] {
        assert_eq!(lab.rows(sql).await, expected, "{sql}");
    }
}
