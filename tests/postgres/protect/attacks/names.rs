//! Which relations and columns a rule is for: odd names, families, views, grants by column.

use super::{Lab, policy};

#[tokio::test]
async fn what_is_kept_back_of_a_part_is_kept_back_of_the_whole() {
    let mut lab = Lab::attacked("[[allow]]\nselect = [\"lab.*\"]").await;
    for rule in [
        "[[filter]]\nrelations = [\"lab.cars\"]\nwhere = \"tenant = 'a'\"",
        "[[deny]]\nselect = [\"lab.cars.secret\"]",
        "[[deny]]\nselect = [\"lab.cars\"]",
        "[[mask]]\ncolumns = [\"lab.cars.secret\"]\nwith = \"null\"",
        "[[filter]]\nrelations = [\"lab.assets\"]\nwhere = \"tenant = 'a'\"",
        "[[mask]]\ncolumns = [\"lab.assets.secret\"]\nwith = \"null\"",
        "[[deny]]\nselect = [\"lab.assets.secret\"]",
        "[[deny]]\nselect = [\"lab.assets\"]",
    ] {
        lab.policy = policy(&format!("[[allow]]\nselect = [\"lab.*\"]\n{rule}"));
        for sql in [
            "SELECT secret FROM lab.assets",
            "SELECT * FROM lab.assets",
            "SELECT a FROM lab.assets a",
            "SELECT secret FROM lab.cars",
            "SELECT to_jsonb(c) FROM lab.cars c",
            "SELECT max(secret) FROM lab.assets TABLESAMPLE BERNOULLI (100)",
            "SELECT * FROM lab.assets a LEFT JOIN lab.cars c USING (id, secret)",
            "SELECT * FROM lab.all_assets",
            "SELECT * FROM lab.wrapped",
            "SELECT (w.c).secret FROM lab.wrapped w",
            "SELECT b FROM lab.boxed",
            "SELECT ((b).c).secret FROM lab.boxed",
        ] {
            let answer = lab.answer(sql).await;
            assert!(!answer.contains("HIDDEN-car"), "{rule}: {sql}: {answer}");
        }
    }
    for rule in [
        "[[filter]]\nrelations = [\"lab.events_b\"]\nwhere = \"false\"",
        "[[deny]]\nselect = [\"lab.events_b.secret\"]",
        "[[deny]]\nselect = [\"lab.events_b\"]",
        "[[mask]]\ncolumns = [\"lab.events_b.secret\"]\nwith = \"null\"",
        "[[mask]]\ncolumns = [\"lab.events.secret\"]\nwith = \"null\"",
        "[[filter]]\nrelations = [\"lab.events\"]\nwhere = \"tenant = caller.tenant\"",
        "[[deny]]\nselect = [\"lab.events\"]",
        "[[deny]]\nselect = [\"lab.events.secret\"]",
    ] {
        lab.policy = policy(&format!("[[allow]]\nselect = [\"lab.*\"]\n{rule}"));
        for sql in [
            "SELECT * FROM lab.events",
            "SELECT * FROM lab.events_b",
            "SELECT to_jsonb(e) FROM lab.events_b e",
        ] {
            let answer = lab.answer(sql).await;
            assert!(!answer.contains("HIDDEN-event"), "{rule}: {sql}: {answer}");
        }
    }
}

#[tokio::test]
async fn odd_names_are_what_they_are() {
    let mut lab = Lab::attacked("[[allow]]\nselect = [\"lab.*\"]").await;
    let answers =
        ["SELECT * FROM lab.\"a.b*\"", "SELECT * FROM lab.\"Größe\"", "SELECT * FROM lab.\"select\""];
    for sql in answers {
        assert!(lab.answer(sql).await.contains("HIDDEN-odd"), "{sql}");
    }
    for (rule, at) in [
        ("lab.\\\"a.b*\\\"", 0),
        ("lab.Größe", 1),
        ("lab.select", 2),
        ("lab.*ße", 1),
        ("*.\\\"select\\\"", 2),
    ] {
        lab.policy = policy(&format!("[[allow]]\nselect = [\"lab.*\"]\n[[deny]]\nselect = [\"{rule}\"]"));
        assert_eq!(lab.policy.missing(&lab.catalog), [], "{rule}");
        for (nth, sql) in answers.into_iter().enumerate() {
            assert_eq!(lab.answer(sql).await.contains("HIDDEN-odd"), nth != at, "{rule}: {sql}");
        }
    }
    // A rule that names nothing protects nothing: it is told, and `serve` does not start.
    for rule in [
        "LAB.customers",
        "lab.Customers",
        "lab.customers .ssn",
        "lab. customers",
        "lab.groesse",
        "lab.customers.SSN",
    ] {
        lab.policy = policy(&format!("[[allow]]\nselect = [\"lab.*\"]\n[[deny]]\nselect = [\"{rule}\"]"));
        assert_ne!(lab.policy.missing(&lab.catalog), [], "{rule}");
    }
}

#[tokio::test]
async fn a_grant_of_columns_shows_these_alone_and_rules_hold_in_any_order() {
    let mut lab = Lab::attacked("[[allow]]\nselect = [\"lab.*\"]").await;
    let filter = "[[filter]]\nrelations = [\"lab.customers\"]\nwhere = \"tenant = 'a'\"\n";
    let grant = "[[allow]]\nselect = [\"lab.customers.id\", \"lab.customers.email\"]\n";
    let mask = "[[mask]]\ncolumns = [\"lab.customers.email\"]\nwith = \"null\"\n";
    for rules in [
        format!("{filter}{grant}{mask}"),
        format!("{mask}{filter}{grant}"),
        format!("{grant}{mask}{filter}{filter}"),
    ] {
        lab.policy = policy(&rules);
        assert_eq!(lab.rows("SELECT * FROM lab.customers ORDER BY id").await, "1|NULL 2|NULL");
        for sql in [
            "SELECT tenant FROM lab.customers",
            "SELECT id FROM lab.customers WHERE tenant = 'b'",
            "SELECT c FROM lab.customers c",
        ] {
            assert!(lab.check(sql).is_err(), "{sql}");
        }
    }
    // Which of two masks hides more, nobody can say.
    lab.policy = policy(&format!("[[allow]]\nselect = [\"lab.*\"]\n{mask}{mask}"));
    assert!(lab.check("SELECT email FROM lab.customers").is_err());
}
