//! A running throwaway server: where it is, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use super::cluster::{Fill, SUPERUSER};
use super::owner::Owner;
use super::postmaster::{Launch, Postmaster};
use super::watchdog::Watchdog;
use super::workspace::Workspace;
use super::{Auth, Binaries, Error, Settings, copy};

/// Stops the server and removes its folder when dropped; a watchdog does the same should we be killed.
///
/// All calls block for as long as the server takes: from async code, call them on a thread for blocking work.
#[derive(Debug)]
pub struct Server {
    // INVARIANT: dropped in this order; the watchdog removes the folder once the server has ended.
    postmaster: Postmaster,
    watchdog: Watchdog,
    workspace: Workspace,
    owner: Owner,
    binaries: Binaries,
    settings: Settings,
}

impl Server {
    /// Ready for connections on return: some 100 ms with a cached cluster, a second without.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        let binaries = match &settings.binaries {
            Some(folder) => Binaries::at(folder)?,
            None => Binaries::find()?,
        };
        let owner = Owner::pick()?;
        let workspace = Workspace::create(&owner, settings.place)?;
        let mut watchdog = Watchdog::start(&owner, &workspace).inspect_err(|_| {
            let _ = fs::remove_dir_all(workspace.root());
        })?;
        let mut fill =
            Fill { binaries: &binaries, owner: &owner, workspace: &workspace, watchdog: &mut watchdog };
        fill.run(&settings)?;
        let launch =
            Launch { binaries: &binaries, owner: &owner, workspace: &workspace, settings: &settings };
        let postmaster = launch.run(&mut watchdog, None)?;
        Ok(Self { postmaster, watchdog, workspace, owner, binaries, settings })
    }

    /// Where to connect, as libpq and its kin read it. The password is in it only for the superuser.
    pub fn url(&self, database: &str, user: &str) -> String {
        let password = match &self.settings.auth {
            Auth::Scram { password } if user == SUPERUSER => format!(":{}", encoded(password)),
            Auth::Scram { .. } | Auth::Trust => String::new(),
        };
        let (user, database) = (encoded(user), encoded(database));
        let port = self.port();
        match self.settings.listen {
            super::Listen::Loopback => format!("postgresql://{user}{password}@127.0.0.1:{port}/{database}"),
            super::Listen::Socket => {
                let folder = encoded(&self.socket_dir().to_string_lossy());
                format!("postgresql://{user}{password}@/{database}?host={folder}&port={port}")
            }
        }
    }

    /// The folder of the unix socket, which is there also when the server listens on loopback.
    pub fn socket_dir(&self) -> &Path {
        self.workspace.root()
    }

    /// Part of the socket's name, and where [`super::Listen::Loopback`] was asked the port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.postmaster.port()
    }

    pub fn superuser(&self) -> &'static str {
        SUPERUSER
    }

    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.postmaster.pid()
    }

    /// The server's log: what it printed since it last started.
    pub fn log(&self) -> PathBuf {
        self.workspace.log()
    }

    /// Ends every connection; the same address serves the same data afterwards.
    pub fn restart(&mut self) -> Result<(), Error> {
        let port = self.port();
        self.postmaster.stop(Signal::SIGINT);
        self.watchdog.rest();
        let launch = Launch {
            binaries: &self.binaries,
            owner: &self.owner,
            workspace: &self.workspace,
            settings: &self.settings,
        };
        self.postmaster = launch.run(&mut self.watchdog, Some(port))?;
        Ok(())
    }

    /// Ends the server and leaves its data in `into`, which must not exist, as a template for [`Settings::template`].
    pub fn freeze(mut self, into: &Path) -> Result<(), Error> {
        if !self.postmaster.stop(Signal::SIGINT) {
            return Err(Error::Stopped { log: self.workspace.log_tail() });
        }
        copy::data_directory(&self.workspace.data(), into, &Owner::ourselves())
            .map_err(Error::io("keep the cluster as", into))
    }

    /// Ends the server and removes its folder, as dropping it does.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.postmaster.stop(Signal::SIGQUIT);
        self.watchdog.rest();
    }
}

/// Percent-encoded: all but letters, digits and `-_.~`.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
