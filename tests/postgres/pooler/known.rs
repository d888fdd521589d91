//! What stands between is found out, and what it cannot serve is refused.

use pgwarden::db::fixed::Fixed;
use pgwarden::db::{Database as Gate, DatabaseSettings, Pooler};

use super::{connection, each_way};
use crate::support::{Database, PgBouncer, READER, Template, cluster, gate, pgbouncer, query, until};

async fn between(url: &str, pooler: Pooler) -> Option<String> {
    let gate = Gate::new(DatabaseSettings::new("test", connection(url, pooler)));
    gate.examine().await.unwrap().pooler
}

#[tokio::test]
async fn a_pooler_is_known_by_the_process_id_that_it_makes_up_and_a_key_says_otherwise() {
    let database = Database::create(Template::Shop).await;
    let direct = database.direct_url(READER);
    assert_eq!(between(&direct, Pooler::Auto).await, None);
    assert!(between(&direct, Pooler::Transaction).await.unwrap().contains("in transaction mode"));
    for bouncer in each_way(2) {
        let url = bouncer.url(database.name(), READER);
        assert!(between(&url, Pooler::Auto).await.unwrap().contains("in transaction mode"));
        let other = between(&url, Pooler::None).await.unwrap();
        assert!(other.contains("another client than this one"), "{other}");
    }
}

#[tokio::test]
async fn nothing_listens_and_changes_are_found_by_looking() {
    let database = Database::create(Template::Shop).await;
    for (round, bouncer) in each_way(3).iter().enumerate() {
        let url = bouncer.url(database.name(), READER);
        let fixed = Fixed::new("test", connection(&url, Pooler::Auto), 1);
        let refused = fixed.listen("LISTEN pgwarden_tasks", |_| {}).await.unwrap_err();
        assert_eq!(refused.rule.as_deref(), Some("pooler.session"), "{refused}");
        let gate = gate(&url);
        gate.ready().await.unwrap();
        let mut watching = gate.watch();
        let column = format!("ALTER TABLE shop.orders ADD COLUMN between_{round} text");
        database.admin().await.batch_execute(&column).await.unwrap();
        watching.changed().await;
        let seen = format!("SELECT count(o.between_{round}) FROM shop.orders AS o");
        until("the column is there", || async { query(&gate, &seen, &[]).await.ok() }).await;
    }
}

#[tokio::test]
async fn options_that_it_does_not_pass_on_are_refused_with_what_to_do() {
    let database = Database::create(Template::Shop).await;
    for bouncer in each_way(1) {
        let url = format!("{}?options=-c%20geqo%3Doff", bouncer.url(database.name(), READER));
        match gate(&url).ready().await {
            Err(refused) => assert!(refused.hint.unwrap().contains("ignore_startup_parameters")),
            // Since 1.20 it reads those that it knows.
            Ok(_) => panic!("it took the options: {}", bouncer.log()),
        }
    }
}

/// PgBouncer can be told to log in as one role, whoever comes.
#[tokio::test]
async fn an_own_login_that_would_be_another_role_is_refused() {
    let Some(program) = pgbouncer() else { return };
    let database = Database::create(Template::Shop).await;
    let anna = database.create_login("anna").await;
    let users = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(users.path(), format!("\"{anna}\" \"sesame\"\n\"{READER}\" \"sesame\"\n")).unwrap();
    std::os::unix::fs::chown(users.path(), None, None).unwrap();
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(users.path(), readable).unwrap();
    let place = format!(
        "host={} port={} dbname={}",
        cluster().socket_dir().display(),
        cluster().port(),
        database.name()
    );
    let settings = format!(
        "auth_type = scram-sha-256\nauth_file = {}\n[databases]\nforced = {place} user={READER}\nfree = {place}\n",
        users.path().display()
    );
    let bouncer = PgBouncer::start(&program, cluster(), &settings);
    let entry = |name: &str| bouncer.url(name, READER).replacen('@', ":sesame@", 1);
    let free = gate(&entry("free")).under_login(&anna, "sesame");
    assert_eq!(query(&free, "SELECT current_user", &[]).await.unwrap().0.only(), [anna.as_str()]);
    let forced = gate(&entry("forced")).under_login(&anna, "sesame");
    let refused = query(&forced, "SELECT current_user", &[]).await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("login.own"), "{refused}");
    let wrong = gate(&entry("free")).under_login(&anna, "wrong");
    assert_eq!(query(&wrong, "SELECT 1", &[]).await.unwrap_err().sqlstate.class(), "28");
}
