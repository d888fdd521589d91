//! The user that the server runs as: PostgreSQL refuses root, so root hands it to a lesser user.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Uid, User};

use super::Error;

/// Packages call the user by these names; `nobody` exists everywhere and owns nothing.
const CANDIDATES: [&str; 4] = ["postgres", "_postgres", "pgsql", "nobody"];

#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// `None`: we are an ordinary user already and stay that.
    other: Option<Other>,
}

#[derive(Clone, Debug)]
struct Other {
    name: String,
    uid: u32,
    gid: u32,
}

impl Owner {
    pub(super) fn pick() -> Result<Self, Error> {
        if !Uid::effective().is_root() {
            return Ok(Self { other: None });
        }
        let user = CANDIDATES.iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or(Error::NoOwner)?;
        Ok(Self { other: Some(Other { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }) })
    }

    /// Whoever we are: files that stay ours.
    pub(super) fn ourselves() -> Self {
        Self { other: None }
    }

    /// A command that runs as this user, in a process group of its own so that the terminal's Ctrl-C is not for it.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.process_group(0).stdin(std::process::Stdio::null());
        if let Some(other) = &self.other {
            command.gid(other.gid).uid(other.uid);
        }
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C");
        command
    }

    pub(super) fn give(&self, path: &Path) -> std::io::Result<()> {
        match &self.other {
            Some(other) => chown(path, Some(other.uid), Some(other.gid)),
            None => Ok(()),
        }
    }

    /// Why this user cannot use `path`: a folder on the way to it is closed to others.
    pub(super) fn barred_from(&self, path: &Path) -> Option<String> {
        let other = self.other.as_ref()?;
        let closed = path.ancestors().find(|folder| {
            folder.metadata().is_ok_and(|meta| {
                let mode = meta.permissions().mode();
                let open = mode & 0o001 != 0 || (meta.uid() == other.uid && mode & 0o100 != 0);
                !open
            })
        })?;
        Some(format!("user `{}` may not enter `{}`", other.name, closed.display()))
    }

    /// Whether this user can make a folder in `folder`, and so remove one again.
    pub(super) fn may_add_to(&self, folder: &Path) -> bool {
        let open = folder.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o002 != 0);
        self.other.is_none() || (open && self.barred_from(folder).is_none())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};

    use super::*;

    fn stranger() -> Owner {
        Owner { other: Some(Other { name: "stranger".to_owned(), uid: 54_321, gid: 54_321 }) }
    }

    #[test]
    fn another_user_is_barred_by_any_closed_folder_on_the_way() {
        let closed = tempfile::tempdir_in("/tmp").unwrap();
        let below = closed.path().join("bin");
        std::fs::create_dir(&below).unwrap();
        set_permissions(&below, Permissions::from_mode(0o755)).unwrap();
        set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
        let reason = stranger().barred_from(&below).unwrap();
        assert!(
            reason.contains("user `stranger` may not enter")
                && reason.contains(&*closed.path().to_string_lossy())
        );
        set_permissions(closed.path(), Permissions::from_mode(0o711)).unwrap();
        assert_eq!(stranger().barred_from(&below), None);
    }

    #[test]
    fn another_user_adds_only_to_folders_that_are_open_to_all() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        assert!(!stranger().may_add_to(folder.path()));
        assert!(Owner::ourselves().may_add_to(folder.path()));
        set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        assert!(stranger().may_add_to(folder.path()));
    }
}
