//! Completion over a real database.

use super::*;

async fn complete(peer: &mut StdioPeer, reference: Value, argument: [&str; 2], context: Value) -> Value {
    let params = json!({
        "ref": reference, "argument": {"name": argument[0], "value": argument[1]}, "context": {"arguments": context},
    });
    let answer = peer.ask(&request(3, "completion/complete", params)).await;
    assert!(answer["result"]["completion"]["values"].is_array(), "{answer}");
    answer["result"]["completion"].clone()
}

fn relation_template() -> Value {
    json!({"type": "ref/resource", "uri": "postgres://{database}/{schema}/{relation}"})
}

fn report() -> Value {
    json!({"type": "ref/prompt", "name": "write_report"})
}

#[tokio::test]
async fn what_is_known_already_narrows_what_is_offered() {
    let database = database().await;
    database.admin().await.batch_execute(&format!("GRANT USAGE ON SCHEMA app TO {READER}")).await.unwrap();
    let mut peer = peer(gateway(&database, policy(), 40_000)).await;
    let routine = json!({"type": "ref/resource", "uri": "pgwarden://{database}/routines/{schema}/{routine}"});
    for (reference, argument, context, expected) in [
        (relation_template(), ["schema", "sh"], json!({"database": "test"}), json!(["shop"])),
        (
            relation_template(),
            ["relation", "order"],
            json!({"schema": "shop"}),
            json!(["order_items", "orders"]),
        ),
        (relation_template(), ["relation", "order"], json!({"schema": "app"}), json!([])),
        (relation_template(), ["relation", "order"], json!({"database": "none"}), json!([])),
        (report(), ["relation", "linkd"], json!({}), json!(["shop.linked"])),
        (report(), ["column", ""], json!({"relation": "shop.linked"}), json!(["note", "n"])),
        (report(), ["column", "full"], json!({"relation": "customers"}), json!(["full_name"])),
        (report(), ["column", ""], json!({}), json!([])),
        (routine.clone(), ["schema", ""], json!({}), json!(["shop"])),
        (routine, ["routine", "add"], json!({"schema": "shop"}), json!(["add_tax"])),
    ] {
        let found = complete(&mut peer, reference, argument, context.clone()).await;
        let mut values = found["values"].as_array().unwrap().clone();
        // What is only like it stands behind.
        values.truncate(expected.as_array().unwrap().len().max(1));
        assert_eq!(Value::Array(values), expected, "{argument:?} {context}: {found}");
    }
}

#[tokio::test]
async fn at_most_a_hundred_values_and_a_count_of_all() {
    let database = database().await;
    let script = format!(
        "DO $$ BEGIN FOR n IN 1..150 LOOP EXECUTE format('CREATE TABLE shop.many_%s (id integer)', n); END LOOP; END $$;
         CREATE TABLE shop.\"odd\u{200b}name\" (id integer);
         GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {READER}"
    );
    database.admin().await.batch_execute(&script).await.unwrap();
    let mut peer = peer(gateway(&database, policy(), 40_000)).await;
    let found =
        complete(&mut peer, relation_template(), ["relation", "many_"], json!({"schema": "shop"})).await;
    assert_eq!(found["values"].as_array().unwrap().len(), 100);
    assert_eq!((&found["total"], &found["hasMore"]), (&json!(150), &json!(true)));
    let found = complete(&mut peer, relation_template(), ["relation", "many_12"], json!({})).await;
    assert_eq!(found["values"][0], "many_12");
    let found = complete(&mut peer, relation_template(), ["relation", "odd"], json!({})).await;
    assert!(!found["values"].to_string().contains("odd"), "nobody can type it: {found}");
    let long = "m".repeat(100_000);
    let found = complete(&mut peer, relation_template(), ["relation", &long], json!({})).await;
    assert_eq!(found["values"], json!([]));
}
