//! `[audit]` as values.

use std::path::PathBuf;

use super::Key;
use crate::db::ConnectionSettings;

/// Where the log is, and what is in it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub at: At,
    pub statements: Statements,
    pub required: Required,
    /// With one, hashes are HMACs.
    pub key: Option<Key>,
    /// The databases that are served, for the record of the start.
    pub databases: Vec<String>,
}

#[derive(Clone, Debug)]
pub enum At {
    File {
        path: PathBuf,
        /// A file that has so many is put aside.
        rotate_bytes: u64,
        /// Files that are kept besides it.
        keep_files: u32,
    },
    Stdout,
    /// A database that `pgwarden migrate` has made ready.
    Store(Box<ConnectionSettings>),
}

/// What is recorded of a statement's text.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Statements {
    /// The canonical text, `?` for each literal.
    #[default]
    Redacted,
    /// The canonical text.
    Whole,
    /// SHA-256 of the redacted text.
    Fingerprint,
    None,
}

/// What is refused while records cannot be kept.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Required {
    #[default]
    Writes,
    All,
}

impl Statements {
    pub fn word(self) -> &'static str {
        match self {
            Self::Redacted => "redacted",
            Self::Whole => "whole",
            Self::Fingerprint => "fingerprint",
            Self::None => "none",
        }
    }
}
