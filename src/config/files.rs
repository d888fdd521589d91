//! Files that the configuration names: from its own folder on, or among systemd's credentials.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::section::{Fault, string};

/// What stands before a credential's name instead of a path.
const CREDENTIAL: &str = "credential:";

#[derive(Clone, Copy)]
pub(super) struct Files<'c> {
    /// Of the configuration.
    pub(super) folder: &'c Path,
    /// `$CREDENTIALS_DIRECTORY`.
    pub(super) credentials: Option<&'c Path>,
}

impl Files<'_> {
    /// A path, or `credential:NAME` for what systemd's `LoadCredential=NAME:..` has put there.
    pub(super) fn path(&self, value: &DeValue<'_>) -> Result<PathBuf, Fault> {
        let named = string(value)?;
        let Some(name) = named.strip_prefix(CREDENTIAL) else { return Ok(self.folder.join(named)) };
        if name.is_empty() || name.contains('/') || [".", ".."].contains(&name) {
            return Err(Fault::new(
                "names no credential",
                Some(
                    "as in `credential:shop`, of `LoadCredential=shop:/etc/pgwarden/shop.password`"
                        .to_owned(),
                ),
            ));
        }
        match self.credentials {
            Some(folder) => Ok(folder.join(name)),
            None => Err(Fault::new(
                format!("names the credential `{name}`, and CREDENTIALS_DIRECTORY is not set"),
                Some("systemd sets it for units with `LoadCredential=`; elsewhere name a file".to_owned()),
            )),
        }
    }
}
