//! Fills a data directory: from a template, from the cache of ready-made clusters, or by `initdb`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Uid, mkdtemp};
use sha2::{Digest as _, Sha256};

use super::owner::Owner;
use super::settings::Auth;
use super::watchdog::Watchdog;
use super::workspace::Workspace;
use super::{Binaries, Error, Settings, copy};

pub(super) const SUPERUSER: &str = "postgres";

/// Byte order and UTF-8 give the same answers on every machine; small WAL files make a small cluster.
const INITDB: [&str; 9] = [
    "--no-sync",
    "--no-instructions",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--wal-segsize=1",
    "--username",
    SUPERUSER,
    "--pgdata",
];

pub(super) struct Fill<'a> {
    pub binaries: &'a Binaries,
    pub owner: &'a Owner,
    pub workspace: &'a Workspace,
    pub watchdog: &'a mut Watchdog,
}

impl Fill<'_> {
    pub(super) fn run(&mut self, settings: &Settings) -> Result<(), Error> {
        match (&settings.template, &settings.cache) {
            (Some(template), _) => self.copy(template)?,
            (None, Some(cache)) => self.copy_cached(cache)?,
            (None, None) => self.initdb()?,
        }
        self.authenticate(&settings.auth)
    }

    fn copy(&self, from: &Path) -> Result<(), Error> {
        let to = self.workspace.data();
        copy::data_directory(from, &to, self.owner).map_err(Error::io("copy the cluster", from))
    }

    fn copy_cached(&mut self, cache: &Path) -> Result<(), Error> {
        let ready = cache.join(self.fingerprint());
        if ours(&ready) && self.copy(&ready).is_ok() {
            return Ok(());
        }
        let half_copied = self.workspace.data();
        if half_copied.exists() {
            fs::remove_dir_all(&half_copied).map_err(Error::io("remove", &half_copied))?;
        }
        self.initdb()?;
        // A cache that cannot be written costs time at the next start, nothing else.
        let _ = keep(&self.workspace.data(), cache, &ready);
        Ok(())
    }

    fn initdb(&mut self) -> Result<(), Error> {
        let data = self.workspace.data();
        let mut command = self.owner.command(self.binaries.program("initdb"));
        command.args(INITDB).arg(&data).current_dir(self.workspace.root());
        self.watched(command, "initdb", "")
    }

    /// Passwords are set with no server running, so that there is no moment without them.
    fn authenticate(&mut self, auth: &Auth) -> Result<(), Error> {
        let data = self.workspace.data();
        let method = match auth {
            Auth::Trust => "trust",
            Auth::Scram { password } => {
                self.set_password(&data, password)?;
                "scram-sha-256"
            }
        };
        let rules = format!("local all all {method}\nhost all all 127.0.0.1/32 {method}\n");
        let path = data.join("pg_hba.conf");
        fs::write(&path, rules).map_err(Error::io("write", &path))
    }

    fn set_password(&mut self, data: &Path, password: &str) -> Result<(), Error> {
        if password.chars().any(char::is_control) {
            return Err(Error::BadPassword);
        }
        let literal = password.replace('\'', "''");
        let statement = format!("ALTER ROLE {SUPERUSER} PASSWORD '{literal}'\n");
        let mut command = self.owner.command(self.binaries.program("postgres"));
        command.args(["--single", "-c", "fsync=off", "-c", "password_encryption=scram-sha-256", "-D"]);
        command.arg(data).arg("postgres").current_dir(self.workspace.root());
        self.watched(command, "postgres --single", &statement)
    }

    /// Runs to its end a program that the watchdog ends too, should we die meanwhile.
    fn watched(&mut self, mut command: Command, program: &'static str, input: &str) -> Result<(), Error> {
        let failed = |output: String| Error::Failed { program, output };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        self.watchdog.watch(child.id());
        if let Some(mut stdin) = child.stdin.take() {
            // A program that died before reading says why below.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        let complaint = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " | ");
        // Single-user mode reports a failed statement on stderr and ends well.
        if !output.status.success() || complaint.contains("ERROR:") {
            return Err(failed(complaint));
        }
        Ok(())
    }

    /// Names the cluster that this `initdb` makes: same binaries, same arguments.
    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.binaries.banner());
        hash.update(self.binaries.folder().as_os_str().as_encoded_bytes());
        if let Ok(meta) = self.binaries.program("initdb").metadata() {
            hash.update(format!(" {} {} {}", meta.len(), meta.mtime(), meta.ino()));
        }
        hash.update(INITDB.join(" "));
        let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{hash}", self.binaries.version().major)
    }
}

/// RACE: two starts may both make the cluster; the rename lets one of them win and leaves none half-made.
fn keep(data: &Path, cache: &Path, ready: &Path) -> std::io::Result<()> {
    fs::create_dir_all(cache)?;
    fs::set_permissions(cache, fs::Permissions::from_mode(0o700))?;
    let ourselves = Owner::ourselves();
    let making: PathBuf = mkdtemp(&cache.join("making-XXXXXX"))?;
    let kept = copy::data_directory(data, &making.join("data"), &ourselves)
        .and_then(|()| fs::rename(making.join("data"), ready));
    fs::remove_dir_all(&making)?;
    kept
}

/// What another user could have put there is not used.
fn ours(ready: &Path) -> bool {
    ready.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == Uid::effective().as_raw())
}
