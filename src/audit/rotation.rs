//! Files that are put aside: `FILE.1` is the newest of them.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// `FILE.n`
pub(super) fn aside(file: &Path, number: u32) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    file.with_file_name(name)
}

/// Renames `FILE` to `FILE.1`, each `FILE.n` to the next, and removes what is more than `keep`.
pub(super) fn rotate(file: &Path, keep: u32) -> io::Result<()> {
    for number in (1..keep).rev() {
        moved(&aside(file, number), &aside(file, number.saturating_add(1)))?;
    }
    moved(file, &aside(file, 1))
}

/// The names outlive a crash of the machine.
pub(super) fn settle(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

fn moved(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        ended => ended,
    }
}
