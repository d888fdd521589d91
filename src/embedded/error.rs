//! What can go wrong between finding the binaries and a server that is ready.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::install;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no PostgreSQL server (14 or newer) found")]
    Missing(Box<Missing>),
    #[error("`{}` holds no usable PostgreSQL server: {reason}", .folder.display())]
    Unusable { folder: PathBuf, reason: String },
    #[error("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")]
    NoOwner,
    #[error("cannot {action} `{}`: {source}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("`{program}` failed: {output}")]
    Failed { program: &'static str, output: String },
    #[error("the throwaway PostgreSQL server stopped while starting: {log}")]
    Stopped { log: String },
    #[error("the throwaway PostgreSQL server was not ready after {after:?}: {log}")]
    NotReady { after: Duration, log: String },
    #[error("the password of the throwaway server holds a control character")]
    BadPassword,
}

/// Where a server was looked for, and why what was found there would not do.
#[derive(Debug, Default)]
pub struct Missing {
    pub looked: Vec<PathBuf>,
    pub refused: Vec<String>,
}

impl Error {
    pub(super) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Something that the reader can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing(missing) => Some(missing.hint()),
            Self::Unusable { .. } => Some(format!(
                "name the folder that holds `postgres` and `initdb` of PostgreSQL 14 or newer in `{}`",
                super::binaries::FOLDER_VARIABLE
            )),
            Self::NoOwner => Some("run as an ordinary user, or create a system user `postgres`".to_owned()),
            Self::Io { .. }
            | Self::Failed { .. }
            | Self::Stopped { .. }
            | Self::NotReady { .. }
            | Self::BadPassword => None,
        }
    }
}

impl Missing {
    fn hint(&self) -> String {
        let mut hint = install::advice();
        hint.push_str("\nlooked in PATH");
        for folder in &self.looked {
            hint.push_str(&format!(", {}", folder.display()));
        }
        for refused in &self.refused {
            hint.push_str(&format!("\npassed over {refused}"));
        }
        hint
    }
}
