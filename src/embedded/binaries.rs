//! Where PostgreSQL's server binaries are: named by the user, on PATH, or where packages put them.
//!
//! A folder named by the user is used or refused, never silently replaced by another one.

mod places;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::owner::Owner;
use super::{Error, Missing};

/// Names the folder of `postgres` and `initdb`.
pub(super) const FOLDER_VARIABLE: &str = "PGWARDEN_PG_BIN";

/// Older servers are passed over.
pub const OLDEST_MAJOR: u32 = 14;

/// A folder with a server that runs here.
#[derive(Clone, Debug)]
pub struct Binaries {
    folder: PathBuf,
    version: Version,
    /// All that `postgres --version` says: tells two builds apart.
    banner: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

impl Binaries {
    /// The first usable server: `PGWARDEN_PG_BIN`, PATH, packages (newest first), `pg_config`, our own cache.
    pub fn find() -> Result<Self, Error> {
        if let Some(folder) = std::env::var_os(FOLDER_VARIABLE).filter(|value| !value.is_empty()) {
            return Self::at(Path::new(&folder));
        }
        let owner = Owner::pick()?;
        let mut missing = Missing::default();
        for folder in places::all() {
            if !folder.join("postgres").is_file() || !folder.join("initdb").is_file() {
                continue;
            }
            match Self::read(&folder, &owner) {
                Ok(binaries) => return Ok(binaries),
                Err(reason) => missing.refused.push(format!("`{}`: {reason}", folder.display())),
            }
        }
        missing.looked = places::described();
        Err(Error::Missing(Box::new(missing)))
    }

    /// The server in this folder.
    pub fn at(folder: &Path) -> Result<Self, Error> {
        let owner = Owner::pick()?;
        Self::read(folder, &owner).map_err(|reason| Error::Unusable { folder: folder.to_owned(), reason })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn version(&self) -> Version {
        self.version
    }

    pub fn banner(&self) -> &str {
        &self.banner
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read(folder: &Path, owner: &Owner) -> Result<Self, String> {
        // Links on PATH lead to the real folder, whose neighbours (`share`, `lib`) the server needs.
        let postgres =
            folder.join("postgres").canonicalize().map_err(|error| format!("`postgres`: {error}"))?;
        let folder = postgres.parent().ok_or("`postgres` is in no folder")?.to_owned();
        if !folder.join("initdb").is_file() {
            return Err("`initdb` is not beside `postgres`".to_owned());
        }
        if let Some(reason) = owner.barred_from(&folder) {
            return Err(reason);
        }
        let output = Command::new(&postgres).arg("--version").output();
        let output = output.map_err(|error| format!("`postgres --version`: {error}"))?;
        let banner = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let version = Version::parse(&banner).ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            format!("`postgres --version` answered `{banner}` {}", complaint.trim())
        })?;
        if version.major < OLDEST_MAJOR {
            return Err(format!("PostgreSQL {} is older than {OLDEST_MAJOR}", version.major));
        }
        Ok(Self { folder, version, banner })
    }
}

impl Version {
    /// From `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `postgres (PostgreSQL) 19beta1`.
    fn parse(banner: &str) -> Option<Self> {
        let number = banner.split_once("(PostgreSQL) ")?.1;
        let (major, rest) = leading_number(number)?;
        let minor = rest.strip_prefix('.').and_then(leading_number).map_or(0, |(minor, _)| minor);
        Some(Self { major, minor })
    }
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_released_and_beta_servers() {
        let version = |banner| Version::parse(banner).map(|version| (version.major, version.minor));
        assert_eq!(version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some((15, 18)));
        assert_eq!(version("postgres (PostgreSQL) 19beta2"), Some((19, 0)));
        assert_eq!(version("mysqld  Ver 8.0"), None);
    }

    #[test]
    fn a_named_folder_without_a_server_is_refused_with_the_variable_as_hint() {
        let empty = tempfile::tempdir().unwrap();
        let error = Binaries::at(empty.path()).unwrap_err();
        assert!(error.to_string().contains("holds no usable PostgreSQL server"), "{error}");
        assert!(error.hint().unwrap().contains("PGWARDEN_PG_BIN"));
    }
}
