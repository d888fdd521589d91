//! Whose word a password is: the file of the program that prints it.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::geteuid;

const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Refuses a program that somebody besides root and this user could exchange. `Err` says why.
pub(super) fn check(program: &Path) -> Result<(), String> {
    let shown = program.display();
    let unreadable = |error: std::io::Error| format!("program `{shown}` cannot be run: {error}");
    let file = program.canonicalize().map_err(unreadable)?;
    let attributes = file.metadata().map_err(unreadable)?;
    if !attributes.is_file() || attributes.mode() & 0o111 == 0 {
        return Err(format!("`{shown}` is no program"));
    }
    if ![0, geteuid().as_raw()].contains(&attributes.uid()) {
        return Err(format!("program `{shown}` belongs to neither root nor this user"));
    }
    if attributes.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(format!("program `{shown}` can be written by others"));
    }
    let folder = file.parent().map(Path::metadata).transpose().map_err(unreadable)?;
    // Where the sticky bit is set, only its owner renames a file.
    if folder.is_some_and(|folder| folder.mode() & 0o002 != 0 && folder.mode() & STICKY == 0) {
        return Err(format!("the folder of program `{shown}` can be written by others"));
    }
    Ok(())
}
