//! The tokens that a running server accepts: the file's, read anew when it changes.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use chrono::Utc;
use tracing::{info, warn};

use super::{TokenError, TokenFile, TokenRecord, digest, hex};
use crate::auth::Caller;

/// A revoked token is refused after this at the latest.
const RECHECK: Duration = Duration::from_secs(1);

/// Verifies presented tokens. Share it in an `Arc`.
pub struct TokenStore {
    path: PathBuf,
    by_hash: ArcSwap<HashMap<String, TokenRecord>>,
    seen: Mutex<Seen>,
}

/// The file's state when it was read, and when that was last looked at.
struct Seen {
    stamp: Option<Stamp>,
    at: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl TokenStore {
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, TokenError> {
        let path = path.into();
        // RACE: the stamp is taken first, so that a change in between is noticed at the next look.
        let seen = Mutex::new(Seen { stamp: stamp(&path), at: Instant::now() });
        let file = TokenFile::open(path)?;
        Ok(Self { path: file.path().to_owned(), by_hash: ArcSwap::from_pointee(index(&file)), seen })
    }

    /// Who bears `presented`. Finding its hash takes no secret-dependent time that would help to find the token.
    pub fn verify(&self, presented: &str) -> Option<Caller> {
        self.reload_if_changed();
        let record = self.by_hash.load().get(&hex(&digest(presented))).cloned()?;
        if record.is_expired(Utc::now()) {
            return None;
        }
        Some(Caller { subject: record.subject, client: None, claims: record.claims.into_iter().collect() })
    }

    /// Whoever has a valid token at the moment.
    pub fn subjects(&self) -> BTreeSet<String> {
        self.reload_if_changed();
        let now = Utc::now();
        let records = self.by_hash.load();
        let valid = records.values().filter(|record| !record.is_expired(now));
        valid.map(|record| record.subject.clone()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.by_hash.load().is_empty()
    }

    fn reload_if_changed(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.elapsed() < RECHECK {
            return;
        }
        seen.at = Instant::now();
        let now = stamp(&self.path);
        if now == seen.stamp {
            return;
        }
        seen.stamp = now;
        match TokenFile::open(&self.path) {
            Ok(file) => {
                self.by_hash.store(index(&file).into());
                info!(tokens = file.list().len(), "token file read anew");
            }
            Err(error) => warn!(%error, "token file not taken; the tokens read before stay"),
        }
    }
}

impl std::fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenStore").field("path", &self.path).finish_non_exhaustive()
    }
}

fn index(file: &TokenFile) -> HashMap<String, TokenRecord> {
    file.list().iter().map(|record| (record.sha256.clone(), record.clone())).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::metadata(path).ok()?;
    Some(Stamp { inode: meta.ino(), length: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()) })
}
