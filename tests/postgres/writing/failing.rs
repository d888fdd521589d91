//! What PostgreSQL refuses, and what of its words a caller hears.

use super::{Ground, rule, run, unasked};

#[tokio::test]
async fn a_deferred_constraint_fails_at_commit_and_nothing_has_happened() {
    let more = "CREATE TABLE s.pairs (id integer PRIMARY KEY, other integer REFERENCES s.pairs DEFERRABLE INITIALLY DEFERRED)";
    let ground = Ground::with(more).await;
    let policy =
        format!("[[allow]]\nselect = [\"s.pairs\"]\n[[allow]]\ninsert = [\"s.pairs\"]\n{}", unasked(5));
    let gateway = ground.gateway(&policy);
    let refused = run(&gateway, "INSERT INTO s.pairs VALUES (1, 2)").await.unwrap_err();
    assert_eq!(refused.sqlstate.as_str(), "23503");
    assert_eq!(ground.one("SELECT count(*) FROM s.pairs").await, "0");
    assert_eq!(run(&gateway, "INSERT INTO s.pairs VALUES (1, 2), (2, 1)").await.unwrap().rows, 2);
}

#[tokio::test]
async fn what_commit_says_of_a_table_that_the_statement_does_not_name_carries_no_values() {
    let more =
        "CREATE TABLE s.files (customer_id integer DEFAULT 1 REFERENCES s.customers ON DELETE SET DEFAULT,
            note text, UNIQUE (customer_id, note) DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO s.files VALUES (1, 'canary-of-a-row'), (16, 'canary-of-a-row')";
    let ground = Ground::with(more).await;
    let refused =
        run(&ground.gateway(&unasked(5)), "DELETE FROM s.customers WHERE id = 16").await.unwrap_err();
    assert_eq!(refused.sqlstate.as_str(), "23505");
    assert!(!refused.render("").contains("canary-of-a-row"), "{refused}");
    assert_eq!(ground.one("SELECT count(*) FROM s.customers WHERE id = 16").await, "1");
}

#[tokio::test]
async fn what_a_trigger_raises_is_said_and_what_it_merely_comes_upon_is_not() {
    let triggers = "
        CREATE FUNCTION s.guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.name = 'raise' THEN RAISE EXCEPTION 'nobody is called so'; END IF;
            IF NEW.name = 'tell' THEN RAISE EXCEPTION 'see table dossiers'; END IF;
            IF NEW.name = 'trip' THEN PERFORM secret::integer FROM s.customers WHERE id = 1; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER guard BEFORE UPDATE ON s.customers FOR EACH ROW EXECUTE FUNCTION s.guard()";
    let ground = Ground::with(triggers).await;
    let gateway = ground.gateway(&unasked(5));
    let fails = async |name: &str| {
        let sql = format!("UPDATE s.customers SET name = '{name}' WHERE id = 2");
        run(&gateway, &sql).await.unwrap_err()
    };
    let raised = fails("raise").await;
    assert_eq!((raised.sqlstate.as_str(), raised.message.as_str()), ("P0001", "nobody is called so"));
    let tripped = fails("trip").await;
    assert_eq!(tripped.sqlstate.as_str(), "22P02");
    let told = fails("tell").await;
    for error in [&tripped, &told] {
        let text = error.render("");
        assert!(!text.contains("canary-of-a-column") && !text.contains("dossiers"), "{text}");
    }
    assert_eq!(ground.one("SELECT name FROM s.customers WHERE id = 2").await, "customer 2");
    assert_eq!(run(&gateway, "UPDATE s.customers SET name = 'fine' WHERE id = 2").await.unwrap().rows, 1);
}

#[tokio::test]
async fn a_hidden_table_that_stands_in_the_way_is_not_named() {
    let more = "CREATE TABLE s.cases (id integer PRIMARY KEY, customer_id integer REFERENCES s.customers);
                INSERT INTO s.cases VALUES (1, 15)";
    let ground = Ground::with(more).await;
    let refused =
        run(&ground.gateway(&unasked(5)), "DELETE FROM s.customers WHERE id = 15").await.unwrap_err();
    assert_eq!(refused.sqlstate.as_str(), "23503");
    assert!(!refused.render("").contains("cases"), "{refused}");
    let open = ground.gateway(&format!("[[allow]]\nselect = [\"s.cases\"]\n{}", unasked(5)));
    let refused = run(&open, "DELETE FROM s.customers WHERE id = 15").await.unwrap_err();
    assert!(refused.message.contains("cases"), "{refused}");
}

#[tokio::test]
async fn errors_of_a_relation_of_which_something_is_kept_back_carry_no_data() {
    let ground = Ground::new().await;
    let deny = "[[deny]]\nselect = [\"s.customers.secret\"]\n";
    let gateway = ground.gateway(&format!("{deny}{}", unasked(5)));
    let long = format!("UPDATE s.customers SET name = '{}' WHERE id = 1", "x".repeat(60));
    let refused = run(&gateway, &long).await.unwrap_err();
    assert_eq!(refused.sqlstate.as_str(), "23514");
    assert!(!refused.render("").contains("canary-of-a-column"), "{refused}");
}

#[tokio::test]
async fn a_rule_that_leads_elsewhere_is_not_followed() {
    let rule_on = "CREATE RULE spread AS ON UPDATE TO s.visits DO ALSO DELETE FROM s.dossiers";
    let ground = Ground::with(rule_on).await;
    let before = ground.digest().await;
    let refused = run(&ground.gateway(&unasked(5)), "UPDATE s.visits SET customer_id = 2 WHERE id = 1").await;
    assert!(matches!(rule(&refused.unwrap_err()), ("42501", Some("server.locks"))));
    assert_eq!(ground.digest().await, before);
}

/// As of a login whose sessions only read unless something else is said.
#[tokio::test]
async fn writing_is_asked_for_by_name_whatever_the_default_of_the_session() {
    let ground = Ground::new().await;
    let login = &ground.login;
    let only = format!("ALTER ROLE {login} SET default_transaction_read_only = on");
    ground.admin.batch_execute(&only).await.unwrap();
    let gateway = ground.gateway(&unasked(5));
    assert_eq!(run(&gateway, "UPDATE s.visits SET customer_id = 2 WHERE id = 1").await.unwrap().rows, 1);
}
