//! What a policy hides is in no plan. The marker stands in every name and value that is hidden.

use pgwarden::gateway::ExplainRequest;

use super::{POLICY, ask, explain, filled, gateway, has_hypopg};

const MARKER: &str = "marker";

#[tokio::test]
async fn over_what_is_kept_back_no_plan_is_shown() {
    let database = filled().await;
    for rule in [
        "[[mask]]\ncolumns = [\"shop.customers.note\"]\nwith = \"null\"",
        "[[filter]]\nrelations = [\"shop.customers\"]\nwhere = \"id < 10\"",
        "[[deny]]\nselect = [\"shop.customers.note\"]",
    ] {
        let policy =
            format!("{POLICY}{rule}\n").replace("include = []", "include = []\nexplain_analyze = true");
        let gateway = gateway(&database, &policy);
        for sql in [
            "SELECT id FROM shop.customers WHERE country = 'x'",
            "SELECT o.id FROM shop.orders o WHERE EXISTS (SELECT FROM shop.customers c WHERE c.id = o.customer_id)",
        ] {
            for analyze in [false, true] {
                let request = ExplainRequest { sql: sql.to_owned(), analyze, ..ExplainRequest::default() };
                let refusal = ask(&gateway, request).await.unwrap_err();
                assert_eq!(refusal.rule.as_deref(), Some("sql.explain_hidden"), "{rule}: {sql}");
            }
        }
        assert!(explain(&gateway, "SELECT id FROM shop.orders").await.is_ok());
    }
    let secured = format!(
        "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON shop.orders USING (id < 5);
         GRANT SELECT ON shop.orders TO {}_reader",
        database.name()
    );
    database.admin().await.batch_execute(&secured).await.unwrap();
    let refusal = explain(&gateway(&database, POLICY), "SELECT id FROM shop.orders").await.unwrap_err();
    assert_eq!(refusal.rule.as_deref(), Some("sql.explain_hidden"));
}

/// The planner puts a function's body in the place of its call.
#[tokio::test]
async fn a_function_of_the_database_has_no_plan() {
    let database = filled().await;
    let function = "CREATE FUNCTION shop.listed() RETURNS SETOF integer LANGUAGE sql STABLE
        AS $$ SELECT id FROM shop.vault WHERE marker_column <> 'marker value 1' $$;
        GRANT EXECUTE ON FUNCTION shop.listed() TO PUBLIC";
    database.admin().await.batch_execute(function).await.unwrap();
    let policy = format!("{POLICY}[[allow]]\nexecute = [\"shop.listed\"]\n")
        .replace("include = []", "include = []\nexplain_analyze = true");
    let gateway = gateway(&database, &policy);
    for analyze in [false, true] {
        let sql = "SELECT * FROM shop.listed()".to_owned();
        let request = ExplainRequest { sql, analyze, ..ExplainRequest::default() };
        let refusal = ask(&gateway, request).await.unwrap_err();
        assert_eq!(refusal.rule.as_deref(), Some("sql.explain_hidden"));
    }
}

#[tokio::test]
async fn no_answer_has_a_hidden_name_or_value() {
    let database = filled().await;
    let hypopg = has_hypopg(&database).await;
    // The login itself may not read one column, which an index and a trusted view have.
    let own = format!(
        "REVOKE SELECT ON shop.vault FROM {0}_reader;
         GRANT SELECT (id) ON shop.vault TO {0}_reader;
         CREATE INDEX vault_both ON shop.vault (id, marker_column) WHERE marker_column > 'marker value 1';
         CREATE VIEW shop.vault_view AS SELECT id FROM shop.vault WHERE marker_column LIKE 'marker value 77%';
         GRANT SELECT ON shop.vault_view TO {0}_reader;
         -- A partition that is read through its table alone.
         CREATE SCHEMA marker_rest;
         CREATE TABLE marker_rest.marker_part PARTITION OF shop.events
           FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
         INSERT INTO shop.events SELECT i, '2026-02-03', i FROM generate_series(1, 20000) AS i",
        database.name()
    );
    database.admin().await.batch_execute(&own).await.unwrap();
    let policy = format!("{POLICY}[[allow]]\nselect = [\"shop.vault_view\"]\ntrust = true\n");
    let gateway = gateway(&database, &policy);
    let mut answers = Vec::new();
    for sql in [
        "SELECT id FROM shop.vault_view",
        "SELECT count(*) FROM shop.vault WHERE id > 100",
        "SELECT id FROM shop.vault WHERE id = 4",
        "SELECT id FROM shop.codes",
        "SELECT id FROM shop.events WHERE kind = 7 AND at > '2026-01-01'",
        "SELECT id FROM shop.orders WHERE id = 1",
    ] {
        for document in [false, true] {
            let indexes = match hypopg {
                true => ["vault (id)", "events (kind)"].map(|on| format!("CREATE INDEX ON shop.{on}")).into(),
                false => Vec::new(),
            };
            for indexes in [Vec::new(), indexes] {
                let request =
                    ExplainRequest { sql: sql.to_owned(), document, indexes, ..ExplainRequest::default() };
                answers.push(match ask(&gateway, request).await {
                    Ok(answer) => answer.to_string(),
                    Err(refusal) => serde_json::to_string(&refusal).unwrap(),
                });
            }
        }
    }
    if hypopg {
        // A column that the login cannot read answers as one that is not there.
        let refusal = async |column: &str| {
            let request = ExplainRequest {
                sql: "SELECT id FROM shop.vault".to_owned(),
                indexes: vec![format!("CREATE INDEX ON shop.vault ({column})")],
                ..ExplainRequest::default()
            };
            let refusal = ask(&gateway, request).await.unwrap_err();
            (refusal.sqlstate, refusal.message.replace(column, "x"), refusal.hint)
        };
        assert_eq!(refusal("marker_column").await, refusal("absent_column").await);
        for index in ["marker_schema.marker_tabel (id)", "shop.vault (marker_colum)", "shop.vault (marker)"] {
            let request = ExplainRequest {
                sql: "SELECT id FROM shop.orders".to_owned(),
                indexes: vec![format!("CREATE INDEX ON {index}")],
                ..ExplainRequest::default()
            };
            let refusal = serde_json::to_string(&ask(&gateway, request).await.unwrap_err()).unwrap();
            // The caller's own words come back, the right ones do not.
            assert!(!refusal.contains("marker_table") && !refusal.contains("marker_column"), "{refusal}");
        }
    }
    assert!(answers.iter().any(|answer| answer.contains("on a partition")), "{answers:#?}");
    assert!(answers.iter().any(|answer| answer.contains("(not shown)")), "{answers:#?}");
    assert!(answers.iter().all(|answer| !answer.contains(MARKER)), "{answers:#?}");
}
