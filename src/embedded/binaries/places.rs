//! The folders where servers are found, in the order in which they are tried.

use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::embedded::cache;

/// Folders with one subfolder a version: the parent, and where the binaries are under each.
const VERSIONED: [(&str, &str, &str); 9] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr/lib", "postgresql", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/opt/local/lib", "postgresql", "bin"),
];

/// Every folder to try, best first; most of them do not exist. Later ones are looked for only when they are asked for.
pub(super) fn all() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    let versioned = VERSIONED
        .into_iter()
        .flat_map(|(parent, prefix, below)| newest_first(Path::new(parent), prefix, below));
    let cached = || {
        let cache = cache::folder().map(|cache| cache.join("postgres"));
        cache.map(|parent| newest_first(&parent, "", "bin")).unwrap_or_default()
    };
    on_path
        .into_iter()
        .chain(versioned)
        .chain(iter::once_with(pg_config).flatten())
        .chain(iter::once_with(cached).flatten())
}

/// The same for a person: without PATH's folders.
pub(super) fn described() -> Vec<PathBuf> {
    let versioned = VERSIONED
        .iter()
        .map(|(parent, prefix, below)| Path::new(parent).join(format!("{prefix}*")).join(below));
    let cached = cache::folder().map(|cache| cache.join("postgres/*/bin"));
    versioned.chain(cached).collect()
}

fn newest_first(parent: &Path, prefix: &str, below: &str) -> Vec<PathBuf> {
    let entries = parent.read_dir().into_iter().flatten().flatten();
    let mut found: Vec<(Vec<u32>, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let rest = name.strip_prefix(prefix)?;
            Some((numbers(rest), parent.join(&name).join(below)))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// `17.2` of `postgresql@17.2` as [17, 2]; a name without a number (`latest`) comes last.
fn numbers(name: &str) -> Vec<u32> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    folder.is_absolute().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_come_first_by_number_not_by_letter() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["postgresql@9.6", "postgresql@17", "postgresql@14", "postgresql", "mysql@99"] {
            std::fs::create_dir(parent.path().join(name)).unwrap();
        }
        let found = newest_first(parent.path(), "postgresql", "bin");
        let names: Vec<_> =
            found.iter().map(|path| path.parent().unwrap().file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["postgresql@17", "postgresql@14", "postgresql@9.6", "postgresql"]);
        assert!(found.iter().all(|path| path.ends_with("bin")));
    }
}
