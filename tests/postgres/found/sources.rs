//! Documents of every kind: by words and by likeness, with and without a vector, keys of several columns, views.

use pgwarden::catalog::Catalog;
use pgwarden::gateway::{DocumentFault, Documents, Gateway, Matching};

use super::{SHOP, articles, database, fetch, gateway_of, rows, search, served};
use crate::support::{Database, READER};

async fn over(database: &Database<'_>, policy: &str, documents: Documents) -> Gateway {
    gateway_of(vec![served("shop", database, policy, vec![documents])]).await
}

#[tokio::test]
async fn a_vector_finds_what_the_words_find() {
    let database = database().await;
    let vector = Matching::Fulltext { language: "english".to_owned(), vector: Some("search".to_owned()) };
    let with = over(&database, SHOP, Documents { matching: vector, ..articles() }).await;
    let without = over(&database, SHOP, articles()).await;
    for question in ["parcel", "gift vouchers", "\"two days\"", "invoice -voucher"] {
        let found = rows(&with, question).await;
        assert!(!found.is_empty());
        assert_eq!(found, rows(&without, question).await, "{question}");
    }
}

#[tokio::test]
async fn names_are_found_by_likeness_where_the_policy_has_the_extension() {
    let database = database().await;
    let alike = Documents { matching: Matching::Trigram, text: vec!["title".to_owned()], ..articles() };
    let allowed = format!("{}{SHOP}", "extensions = [\"pg_trgm\"]\n");
    let gateway = over(&database, &allowed, alike.clone()).await;
    assert_eq!(rows(&gateway, "Gift vuchers").await.first().unwrap(), "row:shop:articles:5");
    let refused = over(&database, SHOP, alike).await;
    assert_eq!(rows(&refused, "Gift vuchers").await, [""; 0]);
}

#[tokio::test]
async fn a_key_of_several_columns_and_odd_values_is_an_id() {
    let database = database().await;
    let admin = database.admin().await;
    admin
        .batch_execute(&format!(
            "CREATE VIEW shop.pages AS SELECT CASE id WHEN 1 THEN 'a,b/c d:é' ELSE id::text END AS \"Slug\",
                 'en'::text AS lang, title, body FROM shop.articles;
             GRANT SELECT ON shop.pages TO {READER}"
        ))
        .await
        .unwrap();
    let pages = Documents {
        name: "pages".to_owned(),
        relation: Documents::relation("shop.pages").unwrap(),
        id: vec!["Slug".to_owned(), "lang".to_owned()],
        text: vec!["body".to_owned(), "title".to_owned()],
        url: Some("https://help.example/p?k={id}".to_owned()),
        ..articles()
    };
    let gateway = over(&database, SHOP, pages).await;
    let id = "row:shop:pages:a%2Cb%2Fc%20d%3A%C3%A9,en";
    assert_eq!(rows(&gateway, "\"print the label\"").await, [id]);
    let found = fetch(&gateway, id).await.unwrap();
    assert!(found.text.starts_with("You may send back") && found.text.ends_with("\n\nReturning a product"));
    assert_eq!(found.url, "https://help.example/p?k=a%2Cb%2Fc%20d%3A%C3%A9,en");
    assert_eq!(found.metadata["source"], "pages");
    assert_eq!(fetch(&gateway, "row:shop:pages:2").await, None);
    assert_eq!(fetch(&gateway, "row:shop:pages:2,de").await, None);
}

#[tokio::test]
async fn a_source_that_fails_leaves_the_others_alone() {
    let database = database().await;
    let admin = database.admin().await;
    admin
        .batch_execute(&format!(
            "CREATE VIEW shop.broken AS SELECT id, title, (1 / (id - id))::text AS body FROM shop.articles;
             GRANT SELECT ON shop.broken TO {READER}"
        ))
        .await
        .unwrap();
    let broken = Documents {
        name: "broken".to_owned(),
        relation: Documents::relation("shop.broken").unwrap(),
        ..articles()
    };
    let gateway = gateway_of(vec![served("shop", &database, SHOP, vec![broken, articles()])]).await;
    assert_eq!(rows(&gateway, "glue").await, ["row:shop:articles:15"]);
}

/// A tsvector holds 1 MiB.
#[tokio::test]
async fn a_row_of_too_many_words_silences_no_source() {
    let database = database().await;
    let admin = database.admin().await;
    let words = "(SELECT string_agg(md5(n::text) || '-' || n, ' ') FROM generate_series(1, 60000) AS n)";
    let huge = format!(
        "CREATE VIEW shop.long AS SELECT id, title, body FROM shop.articles
           UNION ALL SELECT 900, 'wanderlust ' || {words}, 'x' UNION ALL SELECT 901, 'y', 'wanderlust ' || {words};
         GRANT SELECT ON shop.long TO {READER}"
    );
    admin.batch_execute(&huge).await.unwrap();
    let long = Documents { relation: Documents::relation("shop.long").unwrap(), ..articles() };
    let gateway = gateway_of(vec![served("shop", &database, SHOP, vec![long])]).await;
    assert_eq!(rows(&gateway, "glue").await, ["row:shop:articles:15"]);
    assert_eq!(rows(&gateway, "wanderlust").await, ["row:shop:articles:900", "row:shop:articles:901"]);
}

#[tokio::test]
async fn a_long_text_is_cut_and_says_so() {
    let database = database().await;
    let admin = database.admin().await;
    admin
        .batch_execute("UPDATE shop.articles SET body = repeat('line \"x\"' || chr(10), 20000) WHERE id = 1")
        .await
        .unwrap();
    let limits = "[limits]\nrows = 100\ncharacters = 3000\nseconds = 60\njoins = 4\n";
    let gateway = over(&database, &format!("tools = [\"search\"]\n{SHOP}{limits}"), articles()).await;
    let found = fetch(&gateway, "row:shop:articles:1").await.unwrap();
    assert_eq!(found.metadata["truncated"], true);
    let length = serde_json::to_string(&found).unwrap().chars().count();
    assert!((2_900..=3_000).contains(&length), "{length}");
    let short = fetch(&gateway, "row:shop:articles:2").await.unwrap();
    assert!(!short.metadata.contains_key("truncated"));
    let many = super::search(&gateway, "orders parcels account").await.unwrap();
    assert!(serde_json::to_string(&many).unwrap().chars().count() <= 3_000);
}

async fn faults(database: &Database<'_>, documents: Documents) -> Vec<DocumentFault> {
    let served = served("shop", database, SHOP, vec![documents]);
    let catalog: std::sync::Arc<Catalog> = served.database.ready().await.unwrap();
    served.document_faults(&catalog)
}

#[tokio::test]
async fn a_missing_index_is_told_with_the_statement_that_makes_it() {
    let database = database().await;
    let admin = database.admin().await;
    let schema = "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_trgm'";
    let schema: String = admin.query_one(schema, &[]).await.unwrap().get(0);
    admin.batch_execute(&format!("SET search_path = {schema}")).await.unwrap();
    let vector = Matching::Fulltext { language: "english".to_owned(), vector: Some("search".to_owned()) };
    for documents in [
        articles(),
        Documents { matching: vector, ..articles() },
        Documents { matching: Matching::Trigram, ..articles() },
    ] {
        let found = faults(&database, documents.clone()).await;
        let [DocumentFault::NoIndex { statement, .. }] = found.as_slice() else { panic!("{found:?}") };
        admin.batch_execute(statement).await.unwrap();
        assert_eq!(faults(&database, documents).await, []);
    }
    let gone = Documents { title: "headline".to_owned(), ..articles() };
    let found = faults(&database, gone).await;
    assert!(found[0].is_fatal() && found[0].to_string().contains("headline"), "{found:?}");
}

#[tokio::test]
async fn the_index_that_doctor_asks_for_is_the_one_that_the_search_uses() {
    let database = database().await;
    let admin = database.admin().await;
    let found = faults(&database, articles()).await;
    let [DocumentFault::NoIndex { statement, .. }] = found.as_slice() else { panic!("{found:?}") };
    admin
        .batch_execute(&format!(
            "INSERT INTO shop.articles (id, title, body)
                 SELECT n, 'Page ' || n, md5(n::text) || ' ' || md5((n * 7)::text) FROM generate_series(100, 20000) AS n;
             {statement}; ANALYZE shop.articles"
        ))
        .await
        .unwrap();
    let used = "SELECT idx_scan FROM pg_stat_user_indexes WHERE relname = 'articles' AND indexrelname LIKE '%tsvector%'";
    let gateway = over(&database, SHOP, articles()).await;
    assert_eq!(rows(&gateway, "glue").await, ["row:shop:articles:15"]);
    // Until PostgreSQL 15 a session tells of its scans only with a later statement.
    crate::support::until("the scan of the index is counted", async || {
        rows(&gateway, "glue").await;
        let scans: i64 = admin.query_one(used, &[]).await.unwrap().get(0);
        (scans > 0).then_some(())
    })
    .await;
}

/// Not having looked is another answer than having found nothing.
#[tokio::test]
async fn a_limit_that_keeps_from_looking_is_said() {
    let database = database().await;
    let limits = "[limits]\nrows = 100\ncharacters = 9000\nseconds = 9\njoins = 9\nplanner = { cost = 1e9, rows = 1e9 }
caller = { concurrent = 9, per_minute = 1 }\n";
    let gateway = over(&database, &format!("tools = [\"search\"]\n{SHOP}{limits}"), articles()).await;
    let found = search(&gateway, "\"two days\"").await.unwrap();
    assert!(!found.results.is_empty());
    let refusal = search(&gateway, "\"two days\"").await.unwrap_err();
    assert_eq!((refusal.rule.as_deref(), refusal.retryable), (Some("limits.rate"), true), "{refusal}");
}
