//! The databases that the other tests start from.

use pgwarden::embedded::Settings;

use crate::support::{CORNER_READER, Cluster, Database, READER, Template, cluster, until};

#[tokio::test]
async fn a_test_has_a_database_of_its_own_and_it_goes_with_the_test() {
    let (one, two) = (Database::create(Template::Empty).await, Database::create(Template::Empty).await);
    assert_ne!(one.name(), two.name());
    one.admin().await.batch_execute("CREATE TABLE only_here ()").await.unwrap();
    let elsewhere = two.admin().await.query_one("SELECT to_regclass('only_here')::text", &[]).await.unwrap();
    assert_eq!(elsewhere.get::<_, Option<String>>(0), None);

    let (database, role) = (one.name().to_owned(), one.create_role("reader", "LOGIN").await);
    let reader = one.connect(&role).await;
    assert_eq!(reader.query_one("SELECT current_user::text", &[]).await.unwrap().get::<_, String>(0), role);
    drop(one);
    let admin = two.admin().await;
    until("database and role are dropped", || async {
        let left = "SELECT count(*) FROM (SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles) AS x \
                    WHERE datname = $1 OR datname = $2";
        let left: i64 = admin.query_one(left, &[&database, &role]).await.unwrap().get(0);
        (left == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_labelled_cases_have_their_database() {
    let database = Database::create(Template::Cases).await;
    let admin = database.admin().await;
    let orders: i64 = admin.query_one("SELECT count(*) FROM orders", &[]).await.unwrap().get(0);
    assert_eq!(orders, 500);
    database.connect("mcp_ro").await.query_one("SELECT count(*) FROM orders", &[]).await.unwrap();
}

#[tokio::test]
async fn the_sample_database_has_logins_that_read_what_they_should_and_no_more() {
    let database = Database::create(Template::Shop).await;
    let own = database.create_login("reader").await;
    for login in [READER, CORNER_READER, &own] {
        let client = database.connect(login).await;
        let orders: i64 = client.query_one("SELECT count(*) FROM orders", &[]).await.unwrap().get(0);
        assert!(orders > 10_000, "{login}: {orders}");
        let denied = client.query_one("SELECT count(*) FROM staff.payroll", &[]).await.unwrap_err();
        assert_eq!(denied.code().unwrap().code(), "42501", "{login}");
        let corner = client.query_one("SELECT count(*) FROM corner.graffiti", &[]).await;
        assert_eq!(corner.is_ok(), login == CORNER_READER, "{login}");
    }
}

#[tokio::test]
async fn the_server_is_one_that_is_supported() {
    let database = Database::create(Template::Empty).await;
    let number = "SELECT current_setting('server_version_num')::int4";
    let number: i32 = database.admin().await.query_one(number, &[]).await.unwrap().get(0);
    assert_eq!(u32::try_from(number / 10_000).unwrap(), cluster().major());
    assert!((14..=18).contains(&cluster().major()), "{number}");
}

#[tokio::test]
async fn a_test_can_restart_a_cluster_of_its_own() {
    let own = Cluster::start(Settings::default());
    let database = Database::create_in(&own, Template::Cases).await;
    let before = database.admin().await;
    database.cluster().restart();
    until("the connection breaks", || async { before.is_closed().then_some(()) }).await;
    let orders: i64 =
        database.admin().await.query_one("SELECT count(*) FROM orders", &[]).await.unwrap().get(0);
    assert_eq!(orders, 500);
}
