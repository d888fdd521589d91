//! What the `monitor_login` sees: the health of a database, and the statements that cost most.

mod monitor;

use std::sync::OnceLock;

use pgwarden::db::{ConnectionSettings, Monitor};
use pgwarden::embedded::Settings;

use crate::support::{Cluster, Database, Template};

/// A cluster that counts statements.
fn counting() -> &'static Cluster {
    static COUNTING: OnceLock<Cluster> = OnceLock::new();
    COUNTING.get_or_init(|| {
        let loaded =
            [("shared_preload_libraries", "pg_stat_statements"), ("pg_stat_statements.track", "all")];
        let parameters = loaded.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Cluster::start(Settings { parameters, ..Settings::default() })
    })
}

async fn empty() -> Database<'static> {
    Database::create_in(counting(), Template::Empty).await
}

async fn run(database: &Database<'_>, sql: &str) {
    database.admin().await.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// A login as docs/HEALTH.md makes it.
async fn watcher(database: &Database<'_>) -> String {
    database.create_role("watcher", "LOGIN IN ROLE pg_monitor").await
}

fn monitor(database: &Database<'_>, login: &str) -> Monitor {
    Monitor::new("test", &connection(&database.url(login)))
}

fn connection(url: &str) -> ConnectionSettings {
    ConnectionSettings::parse(url, &|_| None).unwrap()
}
