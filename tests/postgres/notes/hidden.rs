//! A word that stands in hidden names only is in nothing that a caller is told.

use pgwarden::gateway::SearchDetail;

use super::*;
use crate::support::Template;

const MARKER: &str = "zqx";

const HIDDEN: &str = "
    CREATE SCHEMA zqx;
    CREATE TABLE zqx.plain (id integer PRIMARY KEY, body text);
    CREATE TABLE shop.zqx_ledger (id bigint PRIMARY KEY, product_id bigint REFERENCES shop.products (id), total numeric);
    ALTER TABLE shop.products ADD COLUMN zqx_margin numeric DEFAULT 7, ADD COLUMN ledger_id bigint REFERENCES shop.zqx_ledger (id),
        ADD COLUMN zqx_buyer bigint REFERENCES shop.customers (id);
    ALTER TABLE shop.products ADD CONSTRAINT margin_is_small CHECK (zqx_margin < 100);
    CREATE INDEX products_margin ON shop.products (price) WHERE zqx_margin > 3;
    CREATE FUNCTION shop.zqx_total(product bigint) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT 1.0';
    CREATE FUNCTION shop.margin_of(entry shop.zqx_ledger) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT 1.0';
    GRANT USAGE ON SCHEMA zqx TO shop_reader;
    GRANT SELECT ON zqx.plain, shop.zqx_ledger TO shop_reader;
    GRANT SELECT ON shop.products TO shop_reader;
    ANALYZE shop.products;";

const RULES: &str = r#"
    [[allow]]
    select = ["shop.*", "staff.departments"]
    [[allow]]
    execute = ["shop.margin_of"]
    [[deny]]
    select = ["shop.zqx*", "shop.products.zqx_*"]
    [[mask]]
    columns = ["shop.products.description"]
    with = { expression = "CASE WHEN zqx_margin > 3 THEN value END" }
    [[filter]]
    relations = ["shop.products"]
    where = "zqx_margin < 50"
"#;

const NOTES: &str = r#"
    [[relation]]
    name = "shop.zqx_ledger"
    note = "What the zqx earns."
    synonyms = ["zqx"]
    questions = ["What did the zqx earn?"]
    [[relation]]
    name = "shop.products"
    note = "Joined with shop.zqx_ledger."
    synonyms = ["zqx_ledger articles", "articles"]
    questions = ["Which zqx_margin is best?", "What do we sell?"]
    [[column]]
    name = "shop.products.zqx_margin"
    note = "The zqx's share."
    [[column]]
    name = "shop.products.price"
    note = "Before products.zqx_margin."
    unit = "EUR"
    [[term]]
    name = "zqx"
    note = "A secret."
    relations = ["shop.products", "shop.zqx_ledger"]
    [[term]]
    name = "margin"
    note = "By shop.zqx_total()."
    relations = ["shop.products"]
"#;

#[tokio::test]
async fn a_word_of_hidden_names_is_nowhere() {
    let database = Database::create(Template::Shop).await;
    database.admin().await.batch_execute(HIDDEN).await.unwrap();
    let gateway = gateway(&database, policy(RULES), notes(NOTES));
    let mut told = Vec::new();
    for query in
        ["", MARKER, "*zqx*", "*", "shop.*", "articles and margin", "what do we sell", "product price ledger"]
    {
        for detail in [None, Some(SearchDetail::Names), Some(SearchDetail::Full)] {
            for offset in [0, 3] {
                let request = SearchRequest {
                    query: query.to_owned(),
                    limit: Some(100),
                    detail,
                    offset,
                    ..SearchRequest::default()
                };
                told.push(search(&gateway, request).await.to_string());
            }
        }
    }
    for tokens in [None, Some(400), Some(1)] {
        told.push(search(&gateway, SearchRequest { tokens, ..SearchRequest::default() }).await.to_string());
    }
    let request = DescribeRequest { sample_rows: 5, profile: true, ..of("shop.products") };
    told.push(describe(&gateway, request).await.unwrap().to_string());
    let hidden = describe(&gateway, of("shop.zqx_ledge")).await.unwrap_err();
    assert_eq!(hidden.hint.as_deref(), Some("`search_objects` lists what there is"));
    for resource in gateway.list_resources(&caller()).await.unwrap() {
        let read = gateway.read_resource(&caller(), &resource.uri).await.unwrap().unwrap();
        told.extend([read.uri, read.description, read.text]);
    }
    told.push(format!("{:?}", gateway.about(&caller())));
    for text in &told {
        assert!(!text.contains(MARKER), "{text}");
    }
    let whole = told.concat();
    for shown in ["shop.products", "articles", "What do we sell?", "EUR", "margin_of"] {
        // `margin_of` takes a row of a hidden table.
        assert_eq!(whole.contains(shown), shown != "margin_of", "{shown}");
    }
}

/// Whoever sees all of it is told all of it: the marker is kept back by the policy alone.
#[tokio::test]
async fn who_may_see_it_is_told() {
    let database = Database::create(Template::Shop).await;
    database.admin().await.batch_execute(HIDDEN).await.unwrap();
    let open = "[[allow]]\nselect = [\"*.*\"]\n[[allow]]\nexecute = [\"shop.*\"]";
    let gateway = gateway(&database, policy(open), notes(NOTES));
    let request = SearchRequest { query: MARKER.to_owned(), ..SearchRequest::default() };
    let answer = search(&gateway, request).await;
    assert_eq!(answer["objects"][0]["term"], MARKER);
    assert_eq!(answer["objects"][1]["relation"], "shop.zqx_ledger");
    let text = answer.to_string();
    assert!(text.contains("shop.zqx_total(product bigint)"), "{text}");
    let described = describe(&gateway, of("shop.products")).await.unwrap();
    assert_eq!(described[0]["note"], "Joined with shop.zqx_ledger.");
    assert_eq!(column(&described[0], "zqx_margin")["note"], "The zqx's share.");
}
