//! The folder of one server: its data, its socket, its log. Only the server's user may enter it.

use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::mkdtemp;

use super::Error;
use super::owner::Owner;

/// A socket's path has room for about 100 bytes on every system; `/.s.PGSQL.65535` takes 15 of them.
const LONGEST: usize = 70;

#[derive(Clone, Debug)]
pub(super) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// A new, empty folder with a name that nobody could foresee, mode 0700.
    pub(super) fn create(owner: &Owner) -> Result<Self, Error> {
        let parent = parent(owner);
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

fn parent(owner: &Owner) -> PathBuf {
    let preferred = [std::env::temp_dir(), PathBuf::from("/tmp")];
    let fits = |folder: &PathBuf| {
        folder.is_absolute() && folder.as_os_str().len() <= LONGEST && owner.may_add_to(folder)
    };
    preferred.into_iter().find(fits).unwrap_or_else(|| PathBuf::from("/tmp"))
}
