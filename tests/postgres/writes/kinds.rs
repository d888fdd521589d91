//! Each kind of statement, over tables of which nothing is kept back, and `[[check]]`.

use super::Lab;

const OPEN: &str = r#"
[[allow]]
select = ["w.*"]
[[allow]]
insert = ["w.*"]
[[allow]]
update = ["w.*"]
[[allow]]
delete = ["w.*"]
"#;

const CHECKED: &str = r#"
[[check]]
relations = ["w.orders"]
condition = "amount < 100 AND account IN (SELECT a.id FROM w.accounts AS a)"
[[check]]
relations = ["w.orders"]
condition = "state <> 'lost'"
"#;

#[tokio::test]
async fn each_kind_changes_what_it_says_and_returns_what_it_asks_for() {
    let lab = Lab::create(OPEN).await;
    let before = lab.before().await;
    for (sql, rows, change) in [
        (
            "INSERT INTO w.orders VALUES (9, 1, 5)",
            &["t|NULL"][..],
            ("O|3|3|30|paid", "O|3|3|30|paid O|9|1|5|new"),
        ),
        (
            "INSERT INTO w.orders (id, account, amount, state) VALUES (9, 1, 5, DEFAULT) RETURNING id, upper(state)",
            &["t|NULL|9|NEW"],
            ("O|3|3|30|paid", "O|3|3|30|paid O|9|1|5|new"),
        ),
        (
            "INSERT INTO w.orders AS o (id, account, amount) SELECT id, account, 99 FROM w.orders WHERE id = 1 \
             ON CONFLICT (id) DO UPDATE SET amount = o.amount + excluded.amount WHERE o.state = 'new' RETURNING o.*",
            &["t|NULL|1|1|109|new"],
            ("O|1|1|10|new", "O|1|1|109|new"),
        ),
        ("INSERT INTO w.orders VALUES (1, 1, 5) ON CONFLICT DO NOTHING", &[], ("", "")),
        (
            "UPDATE w.orders SET state = 'sent', amount = amount + 1 WHERE id = 1 RETURNING amount",
            &["t|NULL|11"],
            ("O|1|1|10|new", "O|1|1|11|sent"),
        ),
        (
            "UPDATE w.orders AS o SET (state, amount) = (SELECT a.name, a.points FROM w.accounts AS a WHERE a.id = o.account) \
             FROM w.accounts AS b WHERE b.id = o.account AND b.name = 'Bo' RETURNING o.id, b.email",
            &["t|NULL|2|bo@example.org"],
            ("O|2|2|20|paid", "O|2|2|20|Bo"),
        ),
        (
            "WITH paid AS (SELECT id FROM w.orders WHERE state = 'paid') DELETE FROM w.orders AS o USING paid \
             WHERE paid.id = o.id AND o.id > 2 RETURNING o.id, paid.id",
            &["t|NULL|3|3"],
            (" O|3|3|30|paid", ""),
        ),
        ("DELETE FROM ONLY w.assets", &["t|NULL", "t|NULL"], ("S|1|a|x S|2|b|x ", "")),
        (
            "UPDATE ONLY w.assets SET label = 'y' RETURNING id",
            &["t|NULL|1", "t|NULL|2"],
            ("S|1|a|x S|2|b|x", "S|1|a|y S|2|b|y"),
        ),
    ] {
        let ran = lab.run(sql).await;
        assert_eq!(ran.rows(), rows, "{sql}");
        assert_eq!(ran.tables, before.replace(change.0, change.1), "{sql}");
        assert!(change.0.is_empty() || before.contains(change.0), "{sql}");
    }
    assert_eq!(lab.before().await, before);
}

#[tokio::test]
async fn merge_does_what_each_when_says() {
    let lab = Lab::create(OPEN).await;
    let before = lab.before().await;
    let sql = "MERGE INTO w.orders AS o USING w.accounts AS a ON o.account = a.id AND o.id <> 1 \
        WHEN MATCHED AND a.points > 100 THEN DELETE WHEN MATCHED THEN UPDATE SET state = a.name \
        WHEN NOT MATCHED THEN INSERT (id, account, amount) VALUES (a.id + 10, a.id, 1)";
    let major = lab.database.cluster().major();
    let write = lab.check(sql).unwrap();
    assert!(!write.has_returning() && write.returns() == 0);
    if major < 15 {
        return;
    }
    let ran = lab.run(sql).await;
    assert!(ran.rows().is_empty());
    let expected = before.replace("O|2|2|20|paid O|3|3|30|paid", "O|2|2|20|Bo O|11|1|1|new");
    assert_eq!(ran.tables, expected);
}

#[tokio::test]
async fn a_grant_to_insert_needs_nothing_else() {
    let lab = Lab::create("[[allow]]\ninsert = [\"w.inbox.body\"]").await;
    let ran = lab.run("INSERT INTO w.inbox (body) VALUES ('hello') RETURNING 1").await;
    assert_eq!(ran.rows(), ["t|NULL|1"]);
    for (sql, refusal) in [
        (
            "INSERT INTO w.inbox (body) VALUES ('x') RETURNING body",
            "42703 sql.columns column `body` does not exist",
        ),
        ("INSERT INTO w.inbox (loud) VALUES ('x')", "42703 sql.columns column `loud` does not exist"),
        ("INSERT INTO w.inbox VALUES (1, 'x')", "42501 sql.insert_columns "),
        ("UPDATE w.inbox SET body = 'x'", "42501 default.deny update of `w.inbox` is not allowed"),
        ("INSERT INTO w.orders VALUES (1)", "42P01 sql.relations relation `w.orders` does not exist"),
    ] {
        assert!(lab.refusal(sql).starts_with(refusal), "{sql}: {}", lab.refusal(sql));
    }
}

#[tokio::test]
async fn column_one_says_whether_every_check_is_true_of_the_new_row() {
    let mut lab = Lab::create(OPEN).await;
    lab.rule(&format!("{OPEN}{CHECKED}"));
    for (sql, rows) in [
        ("INSERT INTO w.orders VALUES (9, 1, 5)", &["t|NULL"][..]),
        ("INSERT INTO w.orders VALUES (9, 1, 100)", &["f|NULL"]),
        ("INSERT INTO w.orders VALUES (9, 7, 5)", &["f|NULL"]),
        ("INSERT INTO w.orders VALUES (9, 1, 5), (10, 1, 500) RETURNING id", &["t|NULL|9", "f|NULL|10"]),
        ("INSERT INTO w.orders VALUES (9, 1, 5, 'lost')", &["f|NULL"]),
        // What is not known to be true is not true.
        ("INSERT INTO w.orders VALUES (9, 1, 'NaN')", &["f|NULL"]),
        (
            "UPDATE w.orders SET amount = amount * 4 WHERE id > 1 RETURNING amount",
            &["t|NULL|80", "f|NULL|120"],
        ),
        ("UPDATE w.orders SET state = 'lost' WHERE amount < 15", &["f|NULL"]),
        ("INSERT INTO w.orders VALUES (1, 1, 5) ON CONFLICT (id) DO UPDATE SET amount = 1000", &["f|NULL"]),
        ("DELETE FROM w.orders WHERE id = 1", &["t|NULL"]),
    ] {
        let write = lab.check(sql).unwrap();
        assert_eq!(write.checks(), ["check[1]", "check[2]"], "{sql}");
        assert!(write.is_guarded(), "{sql}");
        assert_eq!(lab.run(sql).await.rows(), rows, "{sql}");
    }
    let merge = "MERGE INTO w.orders AS o USING w.accounts AS a ON o.account = a.id WHEN MATCHED THEN DELETE";
    assert!(lab.refusal(merge).starts_with("0A000 sql.merge"));
}

#[tokio::test]
async fn the_row_as_it_was_is_in_column_two() {
    let lab = Lab::create(OPEN).await;
    let row = |id: u8, state: &str| {
        format!("t|{{\"id\": {id}, \"state\": \"{state}\", \"amount\": {id}0, \"account\": {id}}}")
    };
    let ran =
        lab.run_with_before("UPDATE w.orders SET state = 'x', id = 7 WHERE id = 1 RETURNING id, state").await;
    assert_eq!(ran.rows(), [format!("{}|7|x", row(1, "new"))]);
    let ran = lab.run_with_before("DELETE FROM w.orders WHERE state = 'paid'").await;
    assert_eq!(ran.rows(), [row(2, "paid"), row(3, "paid")]);
    assert_eq!(lab.run_with_before("INSERT INTO w.orders VALUES (9, 1, 5)").await.rows(), ["t|NULL"]);
    for sql in [
        "INSERT INTO w.orders VALUES (1, 1, 5) ON CONFLICT (id) DO UPDATE SET amount = 1",
        "MERGE INTO w.orders USING w.accounts AS a ON orders.id = a.id WHEN MATCHED THEN DELETE",
    ] {
        let options = pgwarden::sql::WriteOptions { before: true };
        let no = pgwarden::sql::check_write(sql, &lab.cx(), &options).unwrap_err();
        assert_eq!(no.rule.unwrap(), "writes.before", "{sql}");
        assert!(lab.check(sql).is_ok(), "{sql}");
    }
}
