//! What a policy keeps back is neither found nor fetched, whatever one asks.

use pgwarden::auth::Caller;
use pgwarden::gateway::Documents;
use tokio_util::sync::CancellationToken;

use super::{SHOP, anna, articles, database, fetch, gateway, gateway_of, notes, rows, search, served};

/// Everything that an answer says.
async fn all_of(gateway: &pgwarden::gateway::Gateway, question: &str) -> String {
    let found = search(gateway, question).await.unwrap();
    let mut said = format!("{found:?}");
    for result in &found.results {
        said += &format!("{:?}", fetch(gateway, &result.id).await);
    }
    said
}

#[tokio::test]
async fn a_filtered_row_is_not_there() {
    let database = database().await;
    let admin = database.admin().await;
    let hide = "UPDATE shop.articles SET audience = 'staff', body = body || ' zebrafish' WHERE id IN (2, 3)";
    admin.batch_execute(hide).await.unwrap();
    let policy = format!("{SHOP}[[filter]]\nrelations = [\"shop.articles\"]\nwhere = \"audience = 'all'\"\n");
    let gateway = gateway(&database, &policy).await;
    assert_eq!(rows(&gateway, "zebrafish").await, [""; 0]);
    assert!(!rows(&gateway, "parcel").await.contains(&"row:shop:articles:2".to_owned()));
    assert!(fetch(&gateway, "row:shop:articles:1").await.is_some());
    assert_eq!(fetch(&gateway, "row:shop:articles:2").await, None);
    assert_eq!(fetch(&gateway, "row:shop:articles:999").await, None);
}

#[tokio::test]
async fn a_second_caller_sees_other_rows() {
    let database = database().await;
    let admin = database.admin().await;
    admin.batch_execute("UPDATE shop.articles SET audience = 'staff' WHERE id = 2").await.unwrap();
    let policy = format!(
        "{SHOP}[[filter]]\nrelations = [\"shop.articles\"]\nwhere = \"audience = caller.audience\"\n"
    );
    let gateway = gateway(&database, &policy).await;
    let of = |audience: &str| Caller {
        claims: [("audience".to_owned(), audience.to_owned())].into_iter().collect(),
        ..Caller::local(audience)
    };
    let (customer, staff) = (of("all"), of("staff"));
    let cancel = CancellationToken::new();
    for (caller, sees, misses) in [(&customer, 1, 2), (&staff, 2, 1)] {
        let found = gateway.search(caller, "send parcels box", None, &cancel).await.unwrap();
        let has = |id: u32| found.results.iter().any(|result| result.id == format!("row:shop:articles:{id}"));
        assert!(has(sees) && !has(misses), "{} {found:?}", caller.subject);
        let id = |id: u32| format!("row:shop:articles:{id}");
        assert!(gateway.fetch(caller, &id(sees), None, &cancel).await.unwrap().is_some());
        assert_eq!(gateway.fetch(caller, &id(misses), None, &cancel).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_masked_text_is_shown_masked_and_not_searched() {
    let database = database().await;
    let mut with_vector = articles();
    with_vector.matching = pgwarden::gateway::Matching::Fulltext {
        language: "english".to_owned(),
        vector: Some("search".to_owned()),
    };
    let policy =
        format!("{SHOP}[[mask]]\ncolumns = [\"shop.articles.body\"]\nwith = {{ text = \"(kept back)\" }}\n");
    let gateway = gateway_of(vec![served("shop", &database, &policy, vec![articles()])]).await;
    let vector = gateway_of(vec![served("shop", &database, &policy, vec![with_vector])]).await;
    for gateway in [&gateway, &vector] {
        assert_eq!(rows(gateway, "photographs").await, [""; 0], "a word of the masked text");
        assert_eq!(rows(gateway, "damaged").await, ["row:shop:articles:2"], "a word of the title");
        let found = fetch(gateway, "row:shop:articles:2").await.unwrap();
        assert_eq!((found.title.as_str(), found.text.as_str()), ("Damaged parcels", "(kept back)"));
    }
}

#[tokio::test]
async fn a_source_with_a_denied_column_or_relation_does_not_exist() {
    let database = database().await;
    for denied in ["shop.articles.body", "shop.articles.title", "shop.articles.id", "shop.articles"] {
        let policy = format!("{SHOP}[[deny]]\nselect = [\"{denied}\"]\n");
        let gateway = gateway(&database, &policy).await;
        assert_eq!(rows(&gateway, "parcel").await, [""; 0], "{denied}");
        assert_eq!(fetch(&gateway, "row:shop:articles:1").await, None, "{denied}");
        let table = fetch(&gateway, "table:shop:shop.articles").await;
        assert_eq!(table.is_some(), denied != "shop.articles", "{denied}");
    }
    let masked = format!("{SHOP}[[mask]]\ncolumns = [\"shop.articles.id\"]\nwith = \"null\"\n");
    assert_eq!(rows(&gateway(&database, &masked).await, "parcel").await, [""; 0], "a masked id");
}

#[tokio::test]
async fn marker_words_of_what_is_hidden_appear_nowhere() {
    let database = database().await;
    let admin = database.admin().await;
    admin
        .batch_execute(
            "CREATE TABLE shop.canary_relation (id int, canary_column text);
             COMMENT ON TABLE shop.canary_relation IS 'canary-comment';
             COMMENT ON COLUMN shop.articles.internal IS 'canary-column-comment';
             INSERT INTO shop.articles (id, title, body, audience) VALUES (77, 'canary-title', 'canary-body', 'staff')",
        )
        .await
        .unwrap();
    let policy = format!(
        "{SHOP}[[deny]]\nselect = [\"shop.canary_relation\", \"shop.articles.internal\"]\n\
         [[mask]]\ncolumns = [\"shop.articles.author\"]\nwith = \"null\"\n\
         [[filter]]\nrelations = [\"shop.articles\"]\nwhere = \"audience = 'all'\"\n"
    );
    let mut by_author = articles();
    by_author.name = "by_author".to_owned();
    by_author.text = vec!["body".to_owned(), "author".to_owned()];
    let mut internal = articles();
    internal.name = "internals".to_owned();
    internal.text = vec!["internal".to_owned()];
    let served = served("shop", &database, &policy, vec![articles(), by_author, internal]);
    let served = served.with_notes(notes(
        "version = 1\n[[term]]\nname = \"canary-term\"\nnote = \"canary-note\"\nrelations = [\"shop.canary_relation\"]\n\
         [[term]]\nname = \"knowledge\"\nnote = \"What we tell people.\"\nrelations = [\"shop.articles\"]\n",
    ));
    let gateway = gateway_of(vec![served]).await;
    for question in
        ["canary", "canary_relation", "canary_column", "canary-title", "parcel", "articles", "knowledge"]
    {
        let said = all_of(&gateway, question).await;
        assert!(!said.contains("canary") && !said.contains("internals"), "{question}: {said}");
    }
    let found = fetch(&gateway, "note:shop:knowledge").await.unwrap();
    assert!(found.text.contains("What we tell people.") && found.text.contains("shop.articles"));
    assert!(fetch(&gateway, "row:shop:by_author:1").await.is_some());
    for id in [
        "row:shop:internals:1",
        "row:shop:articles:77",
        "table:shop:shop.canary_relation",
        "note:shop:canary-term",
    ] {
        assert_eq!(fetch(&gateway, id).await, None, "{id}");
    }
}

#[tokio::test]
async fn a_forged_id_is_answered_like_a_missing_one() {
    let database = database().await;
    let gateway = gateway(&database, SHOP).await;
    for id in [
        "",
        "42",
        "row:shop:articles:999999",
        "row:shop:articles:01",
        "row:shop:articles:%31",
        "row:shop:articles:one",
        "row:shop:articles:1,2",
        "row:shop:articles:%00",
        "row:shop:articles:99999999999999999999",
        "row:shop:articles:1%27%20OR%201=1",
        "row:shop:orders:1",
        "row:other:articles:1",
        "table:other:shop.orders",
        "table:shop:shop.nothing",
        "table:shop:pg_catalog.pg_class",
        "query:shop:nothing",
        "note:shop:nothing",
        "function:shop:pg_catalog.version",
        "ROW:shop:articles:1",
    ] {
        assert_eq!(fetch(&gateway, id).await, None, "{id}");
    }
    // The connections are as good as before.
    assert!(fetch(&gateway, "row:shop:articles:1").await.is_some());
}

#[tokio::test]
async fn each_database_answers_for_itself() {
    let (open, closed) = (database().await, database().await);
    closed
        .admin()
        .await
        .batch_execute("UPDATE shop.articles SET body = 'quokka' WHERE id = 1")
        .await
        .unwrap();
    let without =
        "version = 1\ninclude = []\ntools = [\"query\", \"schema\"]\n[[allow]]\nselect = [\"shop.*\"]\n";
    let rows_only = "version = 1\ninclude = []\ntools = [\"search\"]\n[[allow]]\nselect = [\"shop.*\"]\n";
    let gateway = gateway_of(vec![
        served("a", &open, rows_only, vec![articles()]),
        served("b", &closed, without, vec![articles()]),
    ])
    .await;
    assert_eq!(super::ids(&gateway, "quokka").await, [""; 0]);
    assert_eq!(
        super::ids(&gateway, "glue articles").await,
        ["row:a:articles:15"],
        "no schema without its group"
    );
    assert_eq!(fetch(&gateway, "row:b:articles:1").await, None);
    assert_eq!(fetch(&gateway, "table:a:shop.articles").await, None);
    assert!(fetch(&gateway, "row:a:articles:1").await.is_some());
    for (uri, there) in [("pgwarden://a/found/", true), ("pgwarden://b/found/", false)] {
        let uri = format!("{uri}row%3Aa%3Aarticles%3A1");
        assert_eq!(gateway.read_resource(&anna(), &uri).await.unwrap().is_some(), there, "{uri}");
    }
    use pgwarden::policy::ToolGroup::{Health, Search};
    for (database, group, sqlstate) in [
        (Some("c"), Search, "3D000"),
        (Some(""), Search, "3D000"),
        (Some("b"), Search, "42501"),
        (None, Health, "22023"),
    ] {
        let refusal = gateway.has_tools(&anna(), database, group).unwrap_err();
        assert_eq!(refusal.sqlstate.as_str(), sqlstate, "{database:?}");
    }
    assert!(
        gateway.has_tools(&anna(), Some("a"), Search).is_ok()
            && gateway.has_tools(&anna(), None, Search).is_ok()
    );

    let nowhere = gateway_of(vec![served("b", &closed, without, vec![articles()])]).await;
    assert_eq!(search(&nowhere, "quokka").await.unwrap_err().rule.as_deref(), Some("policy.tools"));
}

#[tokio::test]
async fn row_security_holds() {
    let database = database().await;
    database
        .admin()
        .await
        .batch_execute(
            "ALTER TABLE shop.articles ENABLE ROW LEVEL SECURITY;
             CREATE POLICY few ON shop.articles USING (id > 10)",
        )
        .await
        .unwrap();
    let gateway = gateway(&database, SHOP).await;
    assert_eq!(rows(&gateway, "\"gift vouchers\"").await, [""; 0]);
    assert_eq!(fetch(&gateway, "row:shop:articles:5").await, None);
    assert_eq!(rows(&gateway, "glue").await, ["row:shop:articles:15"]);
    assert!(Documents::relation("articles").is_err(), "a source names its schema");
}
