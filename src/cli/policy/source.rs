//! Policy files as commands that work on them read them: with what they include, and keys of hashes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::setup::environment;
use crate::policy::{Place, Policy, PolicyError, Sources};

/// `keys` stand before the environment.
pub(super) fn load(file: &Path, keys: &BTreeMap<String, String>) -> Result<Policy, PolicyError> {
    let text = read(file)?;
    let sources = Sources {
        read: &|path| std::fs::read_to_string(path).map_err(|error| unreadable(path, &error)),
        secret: &|name| keys.get(name).cloned().or_else(|| environment(name)),
    };
    Policy::load(&text, file, &sources)
}

pub(super) fn read(file: &Path) -> Result<String, PolicyError> {
    std::fs::read_to_string(file).map_err(|error| {
        let place = Place { file: file.display().to_string().into(), line: 1, column: 1 };
        PolicyError::new(&place, unreadable(file, &error))
    })
}

/// `policies/analyst.cases.toml` of `policies/analyst.toml`.
pub(super) fn cases_of(policy: &Path) -> PathBuf {
    policy.with_extension("cases.toml")
}

/// The policy of a file of cases; any other file is one itself.
pub(super) fn policy_of(file: &Path) -> PathBuf {
    let stem = file.to_str().and_then(|name| name.strip_suffix(".cases.toml"));
    stem.map_or_else(|| file.to_owned(), |stem| PathBuf::from(format!("{stem}.toml")))
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("`{}` cannot be read: {error}", path.display())
}
