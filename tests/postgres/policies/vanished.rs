//! Names of a policy that the database does not have.

use pgwarden::gateway::Health;

use super::*;
use crate::support::until;

const PROTECTING: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n\n\
    [[deny]]\nselect = [\"shop.reviews\", \"shop.products.price\"]\n";

#[tokio::test]
async fn calls_are_refused_as_soon_as_something_protected_has_another_name() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gateway = gateway_with(&database, parsed(PROTECTING));
    query(&gateway, "SELECT id FROM shop.orders").await.unwrap();
    assert!(query(&gateway, "SELECT price FROM shop.products").await.is_err());

    for (rename, back, sql) in [
        (
            "ALTER TABLE shop.reviews RENAME TO opinions",
            "ALTER TABLE shop.opinions RENAME TO reviews",
            "SELECT * FROM shop.opinions",
        ),
        (
            "ALTER TABLE shop.products RENAME price TO fee",
            "ALTER TABLE shop.products RENAME fee TO price",
            "SELECT fee FROM shop.products",
        ),
    ] {
        admin.batch_execute(rename).await.unwrap();
        // At once, where the statement has the new name; soon, for all others.
        let refusal = query(&gateway, sql).await.unwrap_err();
        assert_eq!(refusal.rule.as_deref(), Some("policy.missing"), "{refusal}");
        assert!(
            !refusal.to_string().contains("reviews") && !refusal.to_string().contains("price"),
            "{refusal}"
        );
        assert_eq!(rule(query(&gateway, "SELECT 1").await), "policy.missing");
        let none = CancellationToken::new();
        let found = gateway.search_objects(&caller(&[]), SearchRequest::default(), &none).await;
        assert_eq!(found.unwrap_err().rule.unwrap(), "policy.missing");
        let Health::Unprotected(places) = gateway.health().await else { panic!("healthy") };
        assert_eq!((places.len(), places[0].line), (1, 7));
        admin.batch_execute(back).await.unwrap();
        until("served again", async || query(&gateway, "SELECT id FROM shop.orders").await.ok()).await;
        assert!(matches!(gateway.health().await, Health::Ready));
    }
}

#[tokio::test]
async fn what_is_only_allowed_may_go() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gateway = gateway_with(&database, parsed(&allowing(&["shop.orders", "shop.promotions"])));
    query(&gateway, "SELECT id FROM shop.orders").await.unwrap();
    admin.batch_execute("ALTER TABLE shop.promotions RENAME TO offers").await.unwrap();
    assert!(query(&gateway, "SELECT * FROM shop.offers").await.is_err());
    query(&gateway, "SELECT id FROM shop.orders").await.unwrap();
    assert!(matches!(gateway.health().await, Health::Ready));
}
