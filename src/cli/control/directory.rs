//! Where control sockets are: one for each process.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nix::unistd::Uid;

use crate::config::Server;

/// `[server] control_directory`; else below XDG_RUNTIME_DIR, else a folder for this user alone in the one for temporary
/// files.
pub(in crate::cli) fn directory(server: &Server, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let runtime = || env("XDG_RUNTIME_DIR").map(|runtime| Path::new(&runtime).join("pgwarden"));
    let temporary = || std::env::temp_dir().join(format!("pgwarden-{}", Uid::effective()));
    server.control_directory.clone().or_else(runtime).unwrap_or_else(temporary)
}

/// Makes it, for its owner alone, where it is not there.
pub(super) fn prepare(directory: &Path) -> anyhow::Result<()> {
    let shown = directory.display();
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            closed(directory, &[Uid::effective()]).map(drop)
        }
        Err(error) => Err(error).with_context(|| format!("cannot make `{shown}`")),
    }
}

/// Sockets of the servers that may run, and whose they have to be. Where a `configured` folder is another user's, root may ask
/// that user's servers; in a folder that only happens to have this name, anybody could have put one.
pub(in crate::cli) fn sockets(directory: &Path, configured: bool) -> anyhow::Result<(Vec<PathBuf>, Uid)> {
    let us = Uid::effective();
    if !directory.exists() {
        return Ok((Vec::new(), us));
    }
    let owner = Uid::from_raw(directory.symlink_metadata()?.uid());
    let trusted = if configured && us.is_root() { owner } else { us };
    let owner = closed(directory, &[us, Uid::from_raw(0), trusted])?;
    let entries = directory.read_dir().with_context(|| format!("cannot read `{}`", directory.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut sockets: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "sock")).collect();
    sockets.sort();
    Ok((sockets, owner))
}

/// Nobody but its owner, who is one of `owners`, can put a socket there.
fn closed(directory: &Path, owners: &[Uid]) -> anyhow::Result<Uid> {
    let shown = directory.display();
    let found = directory.symlink_metadata().with_context(|| format!("cannot look at `{shown}`"))?;
    let owner = Uid::from_raw(found.uid());
    if !found.is_dir() || !owners.contains(&owner) {
        bail!("`{shown}` is no folder of this user's: set `[server] control_directory` to another one");
    }
    if found.permissions().mode() & 0o022 != 0 {
        bail!(
            "others can write to `{shown}`: chmod go-w it, or set `[server] control_directory` to another one"
        );
    }
    Ok(owner)
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};

    use super::*;

    #[test]
    fn it_is_the_configured_one_or_one_for_this_user_alone() {
        let server = Server { control_directory: Some("/run/pgwarden".into()), ..Server::default() };
        assert_eq!(directory(&server, &|_| None), Path::new("/run/pgwarden"));
        let runtime = |name: &str| (name == "XDG_RUNTIME_DIR").then(|| "/run/user/1".to_owned());
        assert_eq!(directory(&Server::default(), &runtime), Path::new("/run/user/1/pgwarden"));
        let own = directory(&Server::default(), &|_| None);
        assert!(own.ends_with(format!("pgwarden-{}", Uid::effective())), "{own:?}");
    }

    #[test]
    fn a_folder_that_others_write_to_is_refused_and_so_is_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("made");
        prepare(&made).unwrap();
        assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        prepare(&made).unwrap();
        set_permissions(&made, Permissions::from_mode(0o770)).unwrap();
        let words = prepare(&made).unwrap_err().to_string();
        assert!(words.starts_with("others can write to"), "{words}");
        sockets(&made, true).unwrap_err();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        prepare(&link).unwrap_err();
        if !Uid::effective().is_root() {
            return;
        }
        // Somebody else was there first: only where the configuration names it, and only to ask.
        set_permissions(&made, Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(&made, Some(65_534), None).unwrap();
        let words = prepare(&made).unwrap_err().to_string();
        assert!(words.contains("no folder of this user's"), "{words}");
        sockets(&made, false).unwrap_err();
        assert_eq!(sockets(&made, true).unwrap().1.as_raw(), 65_534);
        assert_eq!(sockets(&folder.path().join("none"), false).unwrap().0, [""; 0].map(PathBuf::from));
    }
}
