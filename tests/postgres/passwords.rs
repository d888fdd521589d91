//! Passwords that are asked for when a connection is opened: what changes is followed, what fails is bounded and told.

mod commands;
mod files;
mod served;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwarden::db::ConnectionSettings;
use pgwarden::db::fixed::Fixed;
use pgwarden::embedded::Settings;
use pgwarden::pg::Diagnostic;
use pgwarden::secrets::{PasswordCommand, Passwords};

use crate::support::{Cluster, Database, Template};

/// A database in a cluster of its own that asks the logins of `asked` for their password, and nobody else.
struct Ground {
    database: Database<'static>,
    login: String,
    folder: tempfile::TempDir,
}

/// With `login` having `password`.
async fn ground(password: &str) -> Ground {
    // Ends with the process.
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start(Settings::default())));
    let database = Database::create_in(cluster, Template::Shop).await;
    let admin = database.admin().await;
    admin.batch_execute("CREATE ROLE asked").await.unwrap();
    let data: String = admin.query_one("SHOW data_directory", &[]).await.unwrap().get(0);
    let hba = "local all +asked scram-sha-256\nlocal all all trust\n";
    fs::write(Path::new(&data).join("pg_hba.conf"), hba).unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let attributes = format!("LOGIN PASSWORD '{password}' IN ROLE asked");
    let login = database.create_role("rotated", &attributes).await;
    let grants = format!(
        "GRANT CONNECT ON DATABASE {} TO asked; GRANT USAGE ON SCHEMA shop TO asked;
         GRANT SELECT ON ALL TABLES IN SCHEMA shop TO asked",
        database.name()
    );
    admin.batch_execute(&grants).await.unwrap();
    Ground { database, login, folder: tempfile::tempdir().unwrap() }
}

impl Ground {
    fn url(&self) -> String {
        self.database.url(&self.login)
    }

    fn by(&self, passwords: &Arc<Passwords>) -> ConnectionSettings {
        ConnectionSettings::parse(&self.url(), &|_| None).unwrap().with_passwords(Arc::clone(passwords))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn set(&self, password: &str) {
        let alter = format!("ALTER ROLE {} PASSWORD '{password}'", self.login);
        self.database.admin().await.batch_execute(&alter).await.unwrap();
    }

    /// A shell script in the folder.
    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        path
    }

    fn command(&self, text: &str, lifetime: Duration) -> Arc<Passwords> {
        let program = self.script("mint", text);
        Passwords::of_command(PasswordCommand::new(program, Vec::new(), lifetime))
    }

    /// As a file is exchanged: at once.
    fn write(&self, name: &str, text: &str) {
        let new = self.path("new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(0o600)).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    fn lines(&self, name: &str) -> usize {
        fs::read_to_string(self.path(name)).unwrap_or_default().lines().count()
    }
}

/// A connection of its own, and a statement on it.
async fn connect(settings: &ConnectionSettings) -> Result<(), Diagnostic> {
    let fixed = Fixed::new("test", settings.clone(), 1);
    let ran = fixed.run("SELECT current_user", &[]).await;
    fixed.close().await;
    ran.map(drop)
}

/// Four callers who connect again and again while `going`: how often, and the first failure.
async fn callers(settings: &ConnectionSettings, going: impl Fn() -> bool) -> (usize, Option<Diagnostic>) {
    let caller = async || {
        let mut calls = 0;
        while going() {
            if let Err(failed) = connect(settings).await {
                return (calls, Some(failed));
            }
            calls += 1;
        }
        (calls, None)
    };
    let all = tokio::join!(caller(), caller(), caller(), caller());
    let all = [all.0, all.1, all.2, all.3];
    (all.iter().map(|(calls, _)| calls).sum(), all.into_iter().find_map(|(_, failed)| failed))
}

fn until(end: Instant) -> impl Fn() -> bool {
    move || Instant::now() < end
}
