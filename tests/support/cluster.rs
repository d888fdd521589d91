//! The throwaway cluster of this test process, and clusters of a test's own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::thread;

use pgwarden::embedded::{Server, Settings};

use super::{Template, prepared};

pub struct Cluster {
    server: Mutex<Server>,
    prepared: std::path::PathBuf,
    databases: AtomicU32,
    leavings: Sender<Leavings>,
}

/// What a test leaves behind: its database, and the roles that it made.
pub(super) struct Leavings {
    pub url: String,
    pub database: String,
    pub roles: Vec<String>,
}

/// The cluster that all tests of this process share; starts at the first call.
pub fn cluster() -> &'static Cluster {
    // Ends with the process: nothing drops it, the server's watchdog sees the end.
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(Settings::default()))
}

impl Cluster {
    /// A cluster of the test's own, with the same templates: to restart it, to fill it, to listen on loopback.
    pub fn start(mut settings: Settings) -> Self {
        let prepared = prepared::folder();
        settings.template.get_or_insert_with(|| prepared.join("data"));
        let ours = [("max_connections", "200"), ("autovacuum", "off")];
        let ours = ours.map(|(name, value)| (name.to_owned(), value.to_owned()));
        settings.parameters.splice(0..0, ours);
        let server = Server::start(settings).unwrap();
        let (leavings, received) = channel();
        thread::spawn(move || clear(&received));
        Self { server: Mutex::new(server), prepared, databases: AtomicU32::new(1), leavings }
    }

    pub fn url(&self, database: &str, role: &str) -> String {
        self.server.lock().unwrap().url(database, role)
    }

    /// Every connection breaks; the addresses stay.
    pub fn restart(&self) {
        self.server.lock().unwrap().restart().unwrap();
    }

    /// The major version of the server.
    pub fn major(&self) -> u32 {
        self.server.lock().unwrap().binaries().version().major
    }

    pub fn socket_dir(&self) -> std::path::PathBuf {
        self.server.lock().unwrap().socket_dir().to_owned()
    }

    pub fn port(&self) -> u16 {
        self.server.lock().unwrap().port()
    }

    pub(super) fn binaries(&self) -> std::path::PathBuf {
        self.server.lock().unwrap().binaries().folder().to_owned()
    }

    /// It is gone at once, as with its machine.
    pub fn lose(&self) {
        let pid = self.server.lock().unwrap().pid();
        let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT).unwrap();
    }

    pub(super) fn superuser(&self) -> &'static str {
        self.server.lock().unwrap().superuser()
    }

    pub(super) fn loaded(&self, template: Template) -> Result<(), String> {
        prepared::outcome(&self.prepared, template)
    }

    pub(super) fn next_name(&self) -> String {
        format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn clear(&self, leavings: Leavings) {
        // Fails only while the process ends, and the cluster with it.
        let _ = self.leavings.send(leavings);
    }
}

/// Drops databases behind the tests' back, on a thread since `Drop` cannot wait.
fn clear(received: &Receiver<Leavings>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for Leavings { url, database, roles } in received {
        runtime.block_on(async {
            // A test that stopped its own cluster leaves nothing to clear.
            let Ok((client, connection)) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await else {
                return;
            };
            tokio::spawn(connection);
            let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await;
            for role in roles {
                let _ = client.batch_execute(&format!("DROP ROLE IF EXISTS {role}")).await;
            }
        });
    }
}
