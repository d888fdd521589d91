//! Images of one process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{ImageId, Sealed};
use crate::pg::{Diagnostic, SqlState};

/// Of all images together.
const MOST_BYTES: usize = 64 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<BTreeMap<ImageId, Entry>>);

struct Entry {
    about: Vec<u8>,
    rows: Vec<u8>,
    committed: bool,
    created: DateTime<Utc>,
    expires: DateTime<Utc>,
}

impl Memory {
    pub(super) fn add(
        &self,
        id: ImageId,
        about: Vec<u8>,
        rows: Vec<u8>,
        keep: Duration,
    ) -> Result<(), Diagnostic> {
        let mut entries = self.current();
        let held: usize = entries.values().map(|entry| entry.about.len() + entry.rows.len()).sum();
        if held + about.len() + rows.len() > MOST_BYTES {
            let message = format!(
                "the policy keeps rows as they were, and the {} MiB for that are full: nothing was changed",
                MOST_BYTES / (1024 * 1024)
            );
            return Err(Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message)
                .rule("limits.before")
                .hint("let the DBA set up `[store]`, which keeps them in PostgreSQL"));
        }
        let created = Utc::now();
        let expires = TimeDelta::from_std(keep).ok().and_then(|keep| created.checked_add_signed(keep));
        let expires = expires.unwrap_or(DateTime::<Utc>::MAX_UTC);
        entries.insert(id, Entry { about, rows, committed: false, created, expires });
        Ok(())
    }

    pub(super) fn committed(&self, id: ImageId) {
        if let Some(entry) = self.current().get_mut(&id) {
            entry.committed = true;
        }
    }

    pub(super) fn remove(&self, id: ImageId) {
        self.current().remove(&id);
    }

    pub(super) fn list(&self, most: usize) -> Vec<Sealed> {
        let entries = self.current();
        let mut listed: Vec<(&ImageId, &Entry)> = entries.iter().collect();
        listed.sort_by_key(|(id, entry)| (std::cmp::Reverse(entry.created), **id));
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let sealed = listed.into_iter().take(most).map(|(id, entry)| Sealed {
            id: *id,
            about: entry.about.clone(),
            committed: entry.committed,
            bytes: u64::try_from(entry.rows.len()).unwrap_or(u64::MAX),
            created: time(entry.created),
            expires: time(entry.expires),
        });
        sealed.collect()
    }

    pub(super) fn rows(&self, id: ImageId) -> Option<Vec<u8>> {
        self.current().get(&id).map(|entry| entry.rows.clone())
    }

    pub(super) fn sweep(&self) {
        drop(self.current());
    }

    /// Without those that have expired.
    fn current(&self) -> MutexGuard<'_, BTreeMap<ImageId, Entry>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Utc::now();
        entries.retain(|_, entry| entry.expires > now);
        entries
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("committed", &self.committed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_ends_at_its_time_and_what_is_full_refuses() {
        let memory = Memory::default();
        let [gone, kept, large] = [1, 2, 3].map(|byte| ImageId::from_bytes([byte; 16]));
        memory.add(gone, vec![1], vec![2], Duration::ZERO).unwrap();
        memory.add(kept, vec![1], vec![2], Duration::from_secs(600)).unwrap();
        memory.committed(kept);
        assert_eq!((memory.rows(gone), memory.rows(kept)), (None, Some(vec![2])));
        let listed: Vec<_> = memory.list(9).iter().map(|one| (one.id, one.committed)).collect();
        assert_eq!(listed, [(kept, true)]);
        let refused = memory.add(large, Vec::new(), vec![0; MOST_BYTES], Duration::from_secs(600));
        assert_eq!(refused.unwrap_err().rule.as_deref(), Some("limits.before"));
        memory.remove(kept);
        memory.add(large, Vec::new(), vec![0; MOST_BYTES], Duration::from_secs(600)).unwrap();
    }
}
