//! The folder where downloads and ready-made clusters are kept from one start to the next.

use std::env;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

/// The user's cache folder for us; `None` where there is no home.
pub(super) fn folder() -> Option<PathBuf> {
    // PostgreSQL's user must be able to read what root unpacks, and root's home is closed to it.
    if Uid::effective().is_root() {
        return Some(PathBuf::from("/var/cache/pgwarden"));
    }
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("HOME");
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(cache_of(&home?)))?;
    Some(base.join("pgwarden"))
}

fn cache_of(home: &Path) -> PathBuf {
    match env::consts::OS {
        "macos" => home.join("Library/Caches"),
        _ => home.join(".cache"),
    }
}
