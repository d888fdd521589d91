//! A streaming standby of a throwaway cluster.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio_postgres::Client;

use super::cluster::Cluster;
use super::{prepared, until};

/// It ends with its standard input, and so with whoever started it.
const TIED: &str = r#""$@" & cat >/dev/null; kill -QUIT $!; wait"#;

/// Ends when dropped.
pub struct Standby {
    tied: Child,
    folder: TempDir,
    port: u16,
    superuser: &'static str,
}

impl Standby {
    /// What a primary needs; for [`super::Cluster::start`].
    pub fn primary() -> pgwarden::embedded::Settings {
        let parameters = [("wal_level", "replica"), ("max_wal_senders", "4"), ("hot_standby", "on")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        pgwarden::embedded::Settings { parameters, ..pgwarden::embedded::Settings::default() }
    }

    /// Copies the primary and follows it. `None` where this PostgreSQL has no `pg_basebackup`, as that of npm.
    pub async fn of(primary: &Cluster) -> Option<Self> {
        let (binaries, sockets, port) = (primary.binaries(), primary.socket_dir(), primary.port());
        if !binaries.join("pg_basebackup").is_file() {
            eprintln!("SKIPPED: no pg_basebackup in {}", binaries.display());
            return None;
        }
        let rules = sockets.join("data/pg_hba.conf");
        let more = format!("local replication all trust\n{}", fs::read_to_string(&rules).unwrap());
        fs::write(&rules, more).unwrap();
        let superuser = primary.superuser();
        let admin = prepared::connect(&primary.url("postgres", superuser)).await;
        admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let owner = sockets.metadata().unwrap();
        chown(folder.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let data = folder.path().join("data");
        let as_owner = |program: &Path| {
            let mut command = Command::new(program);
            if nix::unistd::geteuid().is_root() {
                command.uid(owner.uid()).gid(owner.gid());
            }
            command.current_dir(folder.path());
            command
        };
        until("the primary lets a standby in", || async {
            let copied = as_owner(&binaries.join("pg_basebackup"))
                .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--username", superuser])
                .args(["--port", &port.to_string(), "--host"])
                .arg(&sockets)
                .arg("--pgdata")
                .arg(&data)
                .output()
                .unwrap();
            copied.status.success().then_some(())
        })
        .await;
        let mut command = as_owner(Path::new("/bin/sh"));
        command.args(["-c", TIED, "sh"]).arg(binaries.join("postgres")).arg("-D").arg(&data);
        let set = [
            format!("port={port}"),
            format!("unix_socket_directories={}", folder.path().display()),
            "listen_addresses=".to_owned(),
            "wal_level=replica".to_owned(),
            "max_wal_senders=4".to_owned(),
            "max_connections=200".to_owned(),
            "fsync=off".to_owned(),
        ];
        for setting in set {
            command.arg("-c").arg(setting);
        }
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let tied = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let this = Self { tied, folder, port, superuser };
        until("the standby answers", || async {
            let (_, connection) =
                tokio_postgres::connect(&this.url("postgres", superuser), tokio_postgres::NoTls)
                    .await
                    .ok()?;
            drop(connection);
            Some(())
        })
        .await;
        Some(this)
    }

    pub fn url(&self, database: &str, role: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgresql://{role}@/{database}?host={folder}&port={}", self.port)
    }

    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    pub async fn admin(&self, database: &str) -> Client {
        prepared::connect(&self.url(database, self.superuser)).await
    }

    /// Returns when it takes writes.
    pub async fn promote(&self) {
        let admin = self.admin("postgres").await;
        admin.batch_execute("SELECT pg_promote(true, 20)").await.unwrap();
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        drop(self.tied.stdin.take());
        let _ = self.tied.wait();
    }
}
