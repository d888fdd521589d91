//! The folder of one server: its data, its socket, its log. Only the server's user may enter it.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use nix::unistd::mkdtemp;

use super::owner::Owner;
use super::{Error, Place};

/// A socket's path has room for about 100 bytes on every system; `/.s.PGSQL.65535` takes 15 of them.
const LONGEST: usize = 70;

const ENOUGH_MEMORY: u64 = 2 << 30;

#[derive(Clone, Debug)]
pub(super) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// A new, empty folder with a name that nobody could foresee, mode 0700.
    pub(super) fn create(owner: &Owner, place: Place) -> Result<Self, Error> {
        let parent = parent(owner, place);
        let template = parent.join("pgwarden-XXXXXX");
        let root = mkdtemp(&template).map_err(std::io::Error::from);
        let root = root.map_err(Error::io("create a folder in", &parent))?;
        let workspace = Self { root };
        owner.give(&workspace.root).map_err(Error::io("hand over", &workspace.root))?;
        Ok(workspace)
    }

    /// Also the folder of the socket.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    /// The end of the server's log, for an error message.
    pub(super) fn log_tail(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(12)..).unwrap_or_default();
        if tail.is_empty() { "its log is empty".to_owned() } else { tail.join(" | ") }
    }
}

/// Memory where there is plenty of it, since a start there takes a fifth of one on a disk; else the folder for
/// temporary files.
fn parent(owner: &Owner, place: Place) -> PathBuf {
    let fits = |folder: &PathBuf| {
        folder.is_absolute() && folder.as_os_str().len() <= LONGEST && owner.may_add_to(folder)
    };
    let memory = (place == Place::Memory).then(memory).flatten();
    let preferred = memory.into_iter().chain([std::env::temp_dir()]);
    preferred.into_iter().find(fits).unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Linux's file system in memory, unless it is a small one as in most containers.
fn memory() -> Option<PathBuf> {
    let folder = PathBuf::from("/dev/shm");
    let file_system = statvfs(&folder).ok().filter(|_| cfg!(target_os = "linux"))?;
    let free = wide(file_system.blocks_available()).saturating_mul(wide(file_system.fragment_size()));
    (free >= ENOUGH_MEMORY).then_some(folder)
}

/// The width of these numbers differs between platforms.
fn wide(number: impl Into<u64>) -> u64 {
    number.into()
}
