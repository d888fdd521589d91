//! The server's process: started, awaited, stopped.

use std::fs::{self, OpenOptions};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::owner::Owner;
use super::watchdog::Watchdog;
use super::workspace::Workspace;
use super::{Binaries, Error, Listen, Settings};

/// The socket's name ends in the port even when nobody listens on it; the folder is ours alone.
const SOCKET_PORT: u16 = 5432;

/// How often another process may take the free port before the server gets it.
const PORT_TRIES: usize = 5;

/// Nothing here has to survive the machine, so nothing waits for the disk.
const THROWAWAY: [(&str, &str); 10] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    // What spills may fill memory (see `Place`).
    ("temp_file_limit", "1GB"),
    ("password_encryption", "scram-sha-256"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("cluster_name", "pgwarden"),
];

const POLL: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
    port: u16,
}

pub(super) struct Launch<'a> {
    pub binaries: &'a Binaries,
    pub owner: &'a Owner,
    pub workspace: &'a Workspace,
    pub settings: &'a Settings,
}

impl Launch<'_> {
    /// Runs the server and waits until it takes connections. `port` is that of an earlier run, if any.
    pub(super) fn run(&self, watchdog: &mut Watchdog, port: Option<u16>) -> Result<Postmaster, Error> {
        let mut tries = 1;
        loop {
            let mut postmaster = self.spawn(watchdog, port)?;
            match self.wait(&mut postmaster) {
                Ok(()) => return Ok(postmaster),
                // RACE: between our finding a free port and the server's taking it.
                Err(Error::Stopped { log }) if log.contains("could not bind") && tries < PORT_TRIES => {
                    tries += 1
                }
                Err(error) => {
                    postmaster.stop(Signal::SIGQUIT);
                    watchdog.rest();
                    return Err(error);
                }
            }
        }
    }

    fn spawn(&self, watchdog: &mut Watchdog, port: Option<u16>) -> Result<Postmaster, Error> {
        let root = self.workspace.root();
        let (port, addresses) = match self.settings.listen {
            Listen::Socket => (SOCKET_PORT, ""),
            Listen::Loopback => (port.map_or_else(free_port, Ok)?, "127.0.0.1"),
        };
        let path = self.workspace.log();
        // The folder belongs to the server's user, who must not lead root elsewhere by a link.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).custom_flags(OFlag::O_NOFOLLOW.bits());
        let log = options.open(&path).map_err(Error::io("write", &path))?;
        let errors = log.try_clone().map_err(Error::io("write", &path))?;
        let mut command = self.owner.command(self.binaries.program("postgres"));
        command.current_dir(root).stdout(log).stderr(errors).arg("-D").arg(self.workspace.data());
        command.arg("-k").arg(root).args(["-h", addresses, "-p", &port.to_string()]);
        let asked = self.settings.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in THROWAWAY.into_iter().chain(asked) {
            command.args(["-c", &format!("{name}={value}")]);
        }
        let child = command.spawn().map_err(Error::io("run", self.binaries.program("postgres")))?;
        watchdog.watch(child.id());
        Ok(Postmaster { child, port })
    }

    fn wait(&self, postmaster: &mut Postmaster) -> Result<(), Error> {
        let started = Instant::now();
        let pid_file = self.workspace.data().join("postmaster.pid");
        while !says_ready(&pid_file, postmaster.child.id()) {
            if postmaster.exited().is_some() {
                return Err(Error::Stopped { log: self.workspace.log_tail() });
            }
            if started.elapsed() > self.settings.start_timeout {
                return Err(Error::NotReady { after: started.elapsed(), log: self.workspace.log_tail() });
            }
            sleep(POLL);
        }
        Ok(())
    }
}

impl Postmaster {
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `SIGINT` ends it in order and leaves data to start from, `SIGQUIT` at once. After ten seconds the kernel ends it.
    pub(super) fn stop(&mut self, signal: Signal) -> bool {
        let Some(pid) = i32::try_from(self.child.id()).ok().map(Pid::from_raw) else { return false };
        let deadline = Instant::now() + Duration::from_secs(10);
        if self.exited().is_none() {
            // No such process: it ended by itself meanwhile, which the wait below sees.
            let _ = kill(pid, signal);
        }
        while self.exited().is_none() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return false;
            }
            sleep(POLL);
        }
        self.exited().is_some_and(|status| status.success())
    }

    fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

/// The server writes its state to the eighth line once it takes connections.
fn says_ready(pid_file: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(pid_file).unwrap_or_default();
    let mut lines = text.lines();
    lines.next().is_some_and(|first| first.trim() == pid.to_string())
        && lines.nth(6).is_some_and(|status| status.trim() == "ready")
}

fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(Error::io("find a free port on", "127.0.0.1"))
}
