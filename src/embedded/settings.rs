//! What a throwaway server is asked to be.

use std::path::PathBuf;
use std::time::Duration;

use super::cache;

#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of `postgres` and `initdb`; `None` looks for it.
    pub binaries: Option<PathBuf>,
    pub listen: Listen,
    pub auth: Auth,
    pub place: Place,
    /// Server parameters (`max_connections`, `200`), over the defaults of a throwaway server.
    pub parameters: Vec<(String, String)>,
    /// Start from a copy of this data directory (see [`super::Server::freeze`]); `None` makes a new cluster.
    pub template: Option<PathBuf>,
    /// Where new clusters are kept for the next start, since copying one takes a fifth of making one; `None` keeps
    /// nothing.
    pub cache: Option<PathBuf>,
    /// From the start of the server's process to its being ready.
    pub start_timeout: Duration,
}

/// Where the server listens. Never anywhere else than on this machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listen {
    /// A unix socket in a folder that only we may enter.
    Socket,
    /// That, and a free port of 127.0.0.1.
    Loopback,
}

/// Where the data lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In memory where at least 2 GB of it are free for files (Linux), else as [`Place::Disk`].
    Memory,
    /// In the folder for temporary files.
    Disk,
}

/// How whoever connects proves to be the role that it names.
#[derive(Clone)]
pub enum Auth {
    /// Not at all: safe on the socket only, where the folder is closed to other users.
    Trust,
    /// SCRAM-SHA-256; the superuser gets this password.
    Scram { password: String },
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            binaries: None,
            listen: Listen::Socket,
            auth: Auth::Trust,
            place: Place::Memory,
            parameters: Vec::new(),
            template: None,
            cache: cache::folder().map(|folder| folder.join("clusters")),
            start_timeout: Duration::from_secs(30),
        }
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Trust => "Trust",
            Self::Scram { .. } => "Scram(..)",
        })
    }
}
