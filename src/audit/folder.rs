//! Whether a file and its folder are for this user alone.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use nix::unistd::Uid;

use super::fault::Fault;

/// Nobody but this user and root can put another file in its place.
pub(super) fn closed(file: &Path) -> Result<(), Fault> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let shown = folder.display();
    let found = folder.metadata().map_err(|error| Fault::io("looked at", folder, &error))?;
    if !is_ours(&found) && found.uid() != 0 {
        return Err(Fault::new(format!("`{shown}` is another user's"))
            .hint("`[audit] file` has to be in a folder of the user that the server runs as"));
    }
    if found.permissions().mode() & 0o022 != 0 {
        return Err(Fault::new(format!("others can write to `{shown}`")).hint(format!("chmod go-w {shown}")));
    }
    Ok(())
}

/// A file, this user's, that nobody else can read or write.
pub(super) fn private(file: &Path, found: &Metadata) -> Result<(), Fault> {
    let shown = file.display();
    if !found.is_file() {
        return Err(Fault::new(format!("`{shown}` is no file")).hint("for a pipe there is `[audit] stdout`"));
    }
    if !is_ours(found) {
        return Err(Fault::new(format!("`{shown}` is another user's")));
    }
    if found.permissions().mode() & 0o077 != 0 {
        return Err(
            Fault::new(format!("others can read or write `{shown}`")).hint(format!("chmod 600 {shown}"))
        );
    }
    Ok(())
}

fn is_ours(found: &Metadata) -> bool {
    found.uid() == Uid::effective().as_raw()
}
