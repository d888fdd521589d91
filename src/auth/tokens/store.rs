//! The tokens that a running server accepts: the file's, read anew when it changes.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use chrono::Utc;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{PREFIX, TokenError, TokenFile, TokenRecord, digest, hex};
use crate::auth::{Admitted, Caller, ClientAddress, Verdict, Verifier};

/// A revoked token is refused after this at the latest.
const RECHECK: Duration = Duration::from_secs(1);

/// Verifies presented tokens. Share it in an `Arc`.
pub struct TokenStore {
    path: PathBuf,
    by_hash: ArcSwap<HashMap<String, Known>>,
    seen: Mutex<Seen>,
}

/// INVARIANT: `ended` fires before its token leaves the index, or stands for somebody else in it.
#[derive(Clone)]
struct Known {
    record: TokenRecord,
    ended: CancellationToken,
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
        Ok(Self {
            path: file.path().to_owned(),
            by_hash: ArcSwap::from_pointee(index(&file, &HashMap::new())),
            seen,
        })
    }

    /// Who bears `presented`. Finding its hash takes no secret-dependent time that would help to find the token.
    pub fn verify(&self, presented: &str) -> Option<Caller> {
        self.admit(presented).map(|(caller, _)| caller)
    }

    /// As [`Self::verify`], with what fires once the token is revoked, has expired, or stands for somebody else. It is
    /// noticed by the next call of any of these functions a second later.
    pub fn admit(&self, presented: &str) -> Option<(Caller, CancellationToken)> {
        self.reload_if_changed();
        let Known { record, ended } = self.by_hash.load().get(&hex(&digest(presented))).cloned()?;
        if record.is_expired(Utc::now()) {
            return None;
        }
        let scopes = record.scopes();
        let claims = record.claims.into_iter().collect();
        let token = Some(record.id);
        Some((Caller { scopes, claims, token, ..Caller::local(record.subject) }, ended))
    }

    /// Whoever has a valid token at the moment. What expired tokens began ends here.
    pub fn subjects(&self) -> BTreeSet<String> {
        self.reload_if_changed();
        let now = Utc::now();
        let known = self.by_hash.load();
        let (expired, valid): (Vec<&Known>, Vec<&Known>) =
            known.values().partition(|known| known.record.is_expired(now));
        expired.into_iter().for_each(|known| known.ended.cancel());
        valid.into_iter().map(|known| known.record.subject.clone()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.by_hash.load().is_empty()
    }

    fn reload_if_changed(&self) {
        self.reload(RECHECK);
    }

    /// Where it was not looked at for so long.
    fn reload(&self, recheck: Duration) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.elapsed() < recheck {
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
                let before = self.by_hash.load();
                let now = index(&file, &before);
                let gone = before
                    .iter()
                    .filter(|(hash, known)| now.get(*hash).is_none_or(|now| !now.goes_on(known)));
                gone.for_each(|(_, known)| known.ended.cancel());
                self.by_hash.store(now.into());
                info!(tokens = file.list().len(), "token file read anew");
            }
            Err(error) => warn!(%error, "token file not taken; the tokens read before stay"),
        }
    }
}

impl Verifier for TokenStore {
    fn verify<'a>(&'a self, presented: &'a str, _: Option<ClientAddress>) -> BoxFuture<'a, Verdict> {
        async move {
            if !presented.starts_with(PREFIX) {
                return Verdict::Foreign;
            }
            match self.admit(presented) {
                Some((caller, ended)) => Verdict::Admitted(Box::new(Admitted { caller, ended })),
                None => Verdict::Invalid,
            }
        }
        .boxed()
    }

    fn look_anew(&self) {
        self.reload(Duration::ZERO);
    }
}

impl std::fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Known {
    /// Is it the same token, for the same caller?
    fn goes_on(&self, before: &Self) -> bool {
        let (now, before) = (&self.record, &before.record);
        now.subject == before.subject && now.claims == before.claims && now.scopes == before.scopes
    }
}

fn index(file: &TokenFile, before: &HashMap<String, Known>) -> HashMap<String, Known> {
    let known = |record: &TokenRecord| {
        let new = Known { record: record.clone(), ended: CancellationToken::new() };
        let same = before.get(&record.sha256).filter(|before| new.goes_on(before));
        Known { ended: same.map_or_else(CancellationToken::new, |before| before.ended.clone()), ..new }
    };
    file.list().iter().map(|record| (record.sha256.clone(), known(record))).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::metadata(path).ok()?;
    Some(Stamp { inode: meta.ino(), length: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()) })
}
