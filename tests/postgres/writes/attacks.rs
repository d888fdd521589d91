//! What an error or a function in a caller's condition or value could tell of rows that a filter hides.

use super::Lab;

/// Each fails, or answers otherwise, for the hidden row.
const ATTACKS: [&str; 5] = [
    "replace(replace(name, 'Ada', '1'), 'Bo', '2')::integer > 0",
    "1 / (points - 999999) < 5",
    "'x' ~ ANY (ARRAY['y', replace(name, 'HIDDEN-Cleo', '(')])",
    "(notes ->> 'n')::integer > 0",
    "substring(name FOR 11 - length(name)) IS NOT NULL AND substring(name FOR 10 - length(name)) <> ''",
];

const FILTERS: [&str; 4] = [
    "tenant = 'a'",
    "tenant = caller.tenant",
    "tenant IN (SELECT m.tenant FROM w.members AS m WHERE m.login = 'ann')",
    "lower(tenant) = 'a'",
];

fn statements(attack: &str) -> [String; 6] {
    [
        format!("UPDATE w.accounts SET points = 1 WHERE {attack}"),
        format!("UPDATE w.accounts SET name = ({attack})::text"),
        format!("UPDATE w.accounts SET points = (SELECT count(*) FROM w.orders AS o WHERE {attack})"),
        format!(
            "UPDATE w.accounts SET points = 1 FROM w.orders AS o WHERE o.account = accounts.id AND {attack}"
        ),
        format!("DELETE FROM w.accounts WHERE {attack}"),
        format!("DELETE FROM w.accounts USING w.orders AS o WHERE o.id > 0 AND {attack}"),
    ]
}

#[tokio::test]
async fn no_condition_and_no_value_tells_of_a_hidden_row_where_without_the_fence_it_does() {
    let mut lab = Lab::create(super::TENANT).await;
    let open = super::TENANT.split("[[filter]]").next().unwrap();
    let admin = lab.database.admin().await;
    let (mut tried, mut canaries) = (0, 0);
    for filter in FILTERS {
        lab.rule(&format!("{open}[[filter]]\nrelations = [\"w.accounts\"]\nwhere = \"{filter}\""));
        for sql in ATTACKS.into_iter().flat_map(statements) {
            let write = lab.check(&sql).unwrap_or_else(|no| panic!("{sql}: {no:?}"));
            let (text, bound) = (write.text(), write.bound());
            let harmless = lab.run_text(text, bound).await;
            let rows = harmless.rows.unwrap_or_else(|error| panic!("{filter}: {sql}: {error}\n{text}"));
            assert!(rows.iter().all(|row| row == "t|NULL"), "{sql}: {rows:?}");
            tried += 1;
            // Whether the hidden row is there does not matter.
            admin
                .batch_execute(
                    "BEGIN; ALTER TABLE w.accounts DISABLE TRIGGER fire; DELETE FROM w.accounts WHERE id = 3",
                )
                .await
                .unwrap();
            admin.batch_execute("COMMIT").await.unwrap();
            let without = lab.run_text(text, bound).await.rows;
            admin
                .batch_execute(
                    "INSERT INTO w.accounts VALUES (3, 'b', 'HIDDEN-Cleo', 'HIDDEN-cleo@example.org', 'HIDDEN-s3', \
                     999999, '{\"n\": \"HIDDEN\"}')",
                )
                .await
                .unwrap();
            assert_eq!(without.as_ref(), Ok(&rows), "{filter}: {sql}");
            let open = text.replace(" OFFSET 0", "");
            canaries += usize::from(lab.run_text(&open, bound).await.rows.is_err());
        }
    }
    assert_eq!(tried, 120);
    assert!(canaries > 0, "without the fence nothing leaked: the attacks are not what they should be");
}

#[tokio::test]
async fn what_tells_nothing_needs_no_fence() {
    let lab = Lab::create(super::TENANT).await;
    for (sql, fenced) in [
        ("UPDATE w.accounts SET points = points + 1 WHERE id = 1", false),
        ("DELETE FROM w.accounts", false),
        ("DELETE FROM w.accounts WHERE name IN ('Ada', 'Bo') AND points < 15", false),
        ("UPDATE w.accounts SET points = 1 WHERE upper(name) = 'ADA'", true),
        (
            "UPDATE w.accounts SET points = 1 FROM w.orders AS o WHERE o.account = accounts.id AND o.amount * 2 > 3",
            true,
        ),
    ] {
        let write = lab.check(sql).unwrap();
        assert_eq!(write.text().contains("OFFSET 0"), fenced, "{sql}: {}", write.text());
    }
    // The simplest conditions stand within the fence too, so that an index is found.
    let write = lab.check("UPDATE w.accounts SET points = 1 WHERE id = 1 AND upper(name) = 'ADA'").unwrap();
    assert!(write.text().contains(r#"("pgwarden_row"."id" OPERATOR(pg_catalog.=) 1)"#), "{}", write.text());
}
