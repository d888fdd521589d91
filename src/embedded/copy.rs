//! Copies a data directory: folders and plain files, nothing else, handed to the server's user.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::owner::Owner;

/// What belongs to a running server and not to its data.
const RUNNING: [&str; 2] = ["postmaster.pid", "postmaster.opts"];

/// `to` must not exist. Links (tablespaces, a WAL elsewhere) are refused: a throwaway cluster has none.
pub(super) fn data_directory(from: &Path, to: &Path, owner: &Owner) -> io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o700))?;
    for entry in from.read_dir()? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            data_directory(&entry.path(), &target, owner)?;
        } else if kind.is_file() {
            if RUNNING.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            fs::copy(entry.path(), &target)?;
            owner.give(&target)?;
        } else {
            return Err(io::Error::other(format!("`{}` is neither file nor folder", entry.path().display())));
        }
    }
    owner.give(to)
}
