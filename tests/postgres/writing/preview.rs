//! What a preview says, and that it changes nothing.

use serde_json::{Value, json};

use super::{Ground, prepare, run, unasked};

const TRIGGERS: &str = "
    CREATE FUNCTION s.stamp_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    CREATE TRIGGER stamp BEFORE UPDATE OF tier, name ON s.customers FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION s.stamp_row();
    CREATE TRIGGER off BEFORE UPDATE ON s.customers FOR EACH ROW EXECUTE FUNCTION s.stamp_row();
    ALTER TABLE s.customers DISABLE TRIGGER off;
    CREATE TRIGGER stamp_row AFTER DELETE ON s.items FOR EACH STATEMENT EXECUTE FUNCTION s.stamp_row();
    CREATE TRIGGER of_dossiers AFTER DELETE ON s.dossiers FOR EACH ROW EXECUTE FUNCTION s.stamp_row();
    CREATE TRIGGER part BEFORE UPDATE ON s.parts FOR EACH ROW EXECUTE FUNCTION s.stamp_row();";

#[tokio::test]
async fn a_plan_tells_rows_triggers_and_cascades_and_changes_nothing() {
    let ground = Ground::with(TRIGGERS).await;
    ground.admin.batch_execute("ANALYZE s.customers").await.unwrap();
    let gateway = ground.gateway(&unasked(10));
    let before = ground.digest().await;
    let update = prepare(&gateway, "UPDATE s.customers SET tier = 'x' WHERE id = 1").await.unwrap();
    let facts = &update.facts;
    assert_eq!(
        (facts.kind.word(), facts.relation.to_string().as_str(), facts.rows),
        ("UPDATE", "s.customers", 10)
    );
    assert_eq!((update.preview.rows, update.preview.ran, &update.preview.sample), (Some(1), false, &None));
    assert_eq!(
        update.preview.triggers,
        ["before update of name, tier on s.customers, for each row that meets its condition: stamp"]
    );
    assert_eq!(
        update.preview.cascades,
        ["s.orders: rows that refer to s.customers (id) are updated where it changes"]
    );
    let delete = prepare(&gateway, "DELETE FROM s.customers WHERE id = 1").await.unwrap();
    assert_eq!(
        delete.preview.cascades,
        [
            "s.orders: rows that refer to s.customers (id) are deleted",
            "s.visits: rows that refer to s.customers (id) are set null",
            "s.items: rows that refer to s.orders (id) are deleted",
            "1 more table",
        ]
    );
    assert_eq!(delete.preview.triggers, ["after delete on s.items, once", "1 more trigger"]);
    let insert = prepare(&gateway, "INSERT INTO s.customers (id, name) VALUES (500, 'x')").await.unwrap();
    assert_eq!(
        (insert.preview.rows, insert.preview.triggers.len(), insert.preview.cascades.len()),
        (Some(1), 0, 0)
    );
    let upsert =
        "INSERT INTO s.customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'y'";
    assert_eq!(prepare(&gateway, upsert).await.unwrap().preview.triggers.len(), 1);
    let parts = prepare(&gateway, "UPDATE s.parts SET place = 'a' WHERE id = 1").await.unwrap();
    assert_eq!((parts.preview.partitions, parts.preview.triggers.len()), (Some(2), 1));
    assert_eq!(ground.digest().await, before);
}

/// The tables that change are those that the preview names, and as many more as it counts.
#[tokio::test]
async fn the_cascades_that_are_shown_are_those_that_happen() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(20));
    let shown = prepare(&gateway, "DELETE FROM s.customers WHERE id = 5").await.unwrap().preview.cascades;
    let tables = ["orders", "items", "visits", "dossiers", "parts"];
    let of = async |table: &str| {
        ground
            .one(&format!("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM s.{table} AS t"))
            .await
    };
    let mut before = Vec::new();
    for table in tables {
        before.push(of(table).await);
    }
    run(&gateway, "DELETE FROM s.customers WHERE id = 5").await.unwrap();
    for (table, before) in tables.iter().zip(before) {
        let named = shown.iter().any(|line| line.starts_with(&format!("s.{table}:")));
        let changed = of(table).await != before;
        // The dossiers are hidden.
        assert_eq!(named || *table == "dossiers", changed, "{table}: {shown:?}");
    }
}

#[tokio::test]
async fn a_preview_that_runs_shows_rows_as_queries_do_and_is_rolled_back() {
    let ground = Ground::with(TRIGGERS).await;
    let more = format!(
        "[[deny]]\nselect = [\"s.customers.secret\"]\n[[mask]]\ncolumns = [\"s.customers.name\"]\nwith = \"null\"\n{}preview = \"run\"\n",
        unasked(10)
    );
    let gateway = ground.gateway(&more);
    let before = ground.digest().await;
    let preview =
        prepare(&gateway, "UPDATE s.customers SET tier = 'gold' WHERE id > 12").await.unwrap().preview;
    assert_eq!((preview.rows, preview.ran), (Some(8), true));
    let sample = preview.sample.unwrap();
    assert_eq!(sample.columns, ["id", "name", "tier", "region"]);
    let row = |tier: &str| json!(["13", null, tier, "north"]);
    let rows = |value: Option<Value>| value.unwrap().as_array().unwrap().clone();
    let (old, new) = (rows(sample.before), rows(sample.after));
    assert_eq!((old.len(), new.len(), &old[0], &new[0]), (5, 5, &row("basic"), &row("gold")));
    let preview = prepare(&gateway, "DELETE FROM s.visits WHERE id < 3").await.unwrap().preview;
    let sample = preview.sample.unwrap();
    assert_eq!((sample.before, sample.after), (Some(json!([["1", "1"], ["2", "2"]])), Some(json!([]))));
    let sql = "INSERT INTO s.visits VALUES (90, 1), (91, 2) RETURNING id";
    let preview = prepare(&gateway, sql).await.unwrap().preview;
    assert_eq!(preview.sample.unwrap().after, Some(json!([["90"], ["91"]])));
    if ground.database.cluster().major() >= 15 {
        let merge = "MERGE INTO s.visits AS v USING (VALUES (1), (2)) AS n (id) ON v.id = n.id
            WHEN MATCHED THEN DELETE";
        let preview = prepare(&gateway, merge).await.unwrap().preview;
        assert_eq!((preview.rows, preview.ran), (Some(2), true));
    }
    let refused = prepare(&gateway, "UPDATE s.customers SET tier = 'x'").await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("limits.write_rows"), "as it would be");
    assert_eq!(ground.digest().await, before);
}

#[tokio::test]
async fn nothing_is_estimated_of_what_is_kept_back_and_nothing_hidden_is_named() {
    let ground = Ground::with(TRIGGERS).await;
    let filter = "[[filter]]\nrelations = [\"s.customers\"]\nwhere = \"id < 15\"\n";
    let gateway = ground.gateway(&format!("{filter}{}", unasked(10)));
    for sql in ["DELETE FROM s.customers WHERE id = 1", "UPDATE s.customers SET tier = 'x'"] {
        let prepared = prepare(&gateway, sql).await.unwrap();
        assert_eq!(prepared.preview.rows, None, "{sql}");
        let text = json!(prepared.preview).to_string() + &prepared.facts.statement;
        assert!(!text.contains("dossier"), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_run_is_refused_as_it_would_be() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(10));
    let unknown = prepare(&gateway, "UPDATE s.nowhere SET a = 1").await.unwrap_err();
    let hidden = prepare(&gateway, "UPDATE s.dossiers SET id = 1").await.unwrap_err();
    assert_eq!(unknown.render("").replace("nowhere", "dossiers"), hidden.render(""));
    let typed = prepare(&gateway, "UPDATE s.customers SET id = 'x' WHERE id = 1").await.unwrap_err();
    assert_eq!(typed.sqlstate.as_str(), "22P02");
}
