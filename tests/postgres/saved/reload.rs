//! Files of saved queries change while they are served.

use pgwarden::gateway::Health;

use std::time::Duration;

use super::*;
use crate::support::Template;

async fn names(gateway: &Gateway) -> Vec<String> {
    gateway.now().saved_queries(&anna(), None).await.iter().map(|saved| saved.query.name.clone()).collect()
}

#[tokio::test]
async fn a_file_that_can_be_used_is_taken_and_one_that_cannot_leaves_those_from_before() {
    let database = Database::create(Template::Shop).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queries.toml");
    let first = query("first_one", "SELECT 1 AS one", &[]);
    std::fs::write(&path, &first).unwrap();
    let source = SavedSource::load(&path, is_built_in).unwrap();
    let policy = Policy::parse(SHOP, "p.toml").unwrap();
    let gateway = gateway_of(vec![served("shop", &database, policy, source)]).await;
    let mut watch = gateway.watch(&Caller::local("watcher")).unwrap();
    let mut stirred = async || tokio::time::timeout(Duration::from_secs(10), watch.stirred()).await.is_ok();
    assert_eq!((names(&gateway).await, gateway.files_changed()), (vec!["first_one".to_owned()], false));

    let both = first.clone()
        + &query(
            "second_one",
            "SELECT id FROM shop.orders WHERE id = $1",
            &["{ name = \"p\", type = \"bigint\" }"],
        );
    for (what, text, line) in [
        ("truncated", both.get(..both.len() - 9).unwrap(), 10),
        ("misspelt", &both.replace("name = \"second_one\"", "nam = \"second_one\""), 7),
        ("another tool's name", &both.replace("second_one", "describe"), 7),
        ("names what is not there", &both.replace("shop.orders", "shop.ordrs"), 9),
        ("refused", &both.replace("shop.orders", "staff.payroll"), 9),
        ("of another type", &both.replace("bigint", "uuid"), 10),
    ] {
        std::fs::write(&path, text).unwrap();
        assert!(gateway.files_changed(), "{what}");
        gateway.reload(false).await;
        let Health::Degraded { policies, saved, .. } = gateway.health().await else {
            panic!("healthy: {what}")
        };
        assert_eq!((policies.len(), saved.len(), saved[0].line), (0, 1, line), "{what}");
        assert_eq!(names(&gateway).await, ["first_one"], "{what}");
    }
    std::fs::remove_file(&path).unwrap();
    gateway.reload(false).await;
    assert!(matches!(gateway.health().await, Health::Degraded { .. }));
    std::fs::write(&path, &first).unwrap();
    gateway.reload(false).await;
    assert!(matches!(gateway.health().await, Health::Ready));

    std::fs::write(&path, &both).unwrap();
    gateway.reload(false).await;
    assert!(matches!(gateway.health().await, Health::Ready) && stirred().await);
    assert_eq!(names(&gateway).await, ["first_one", "second_one"]);
    std::fs::write(&path, "").unwrap();
    gateway.reload(false).await;
    assert_eq!(names(&gateway).await, [""; 0]);
}

#[tokio::test]
async fn queries_that_were_ahead_of_the_database_are_taken_when_it_follows() {
    let database = Database::create(Template::Shop).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queries.toml");
    std::fs::write(&path, "").unwrap();
    let source = SavedSource::load(&path, is_built_in).unwrap();
    let gateway =
        gateway_of(vec![served("shop", &database, Policy::parse(SHOP, "p.toml").unwrap(), source)]).await;
    std::fs::write(&path, query("of_new_table", "SELECT id FROM shop.new_table", &[])).unwrap();
    gateway.reload(false).await;
    assert!(gateway.has_faults());
    let sql = format!("CREATE TABLE shop.new_table (id integer); GRANT SELECT ON shop.new_table TO {READER}");
    database.admin().await.batch_execute(&sql).await.unwrap();
    crate::support::until("taken", async || {
        gateway.reload(false).await;
        (names(&gateway).await == ["of_new_table"]).then_some(())
    })
    .await;
    assert!(!gateway.has_faults());
}
