//! The chunks of one answer: the first ones in memory, the others in a file that has no name and ends with the process.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use crate::pg::Diagnostic;
use crate::store::{MasterKey, altered};
use crate::tasks::TaskId;
use crate::tasks::seal::{Kind, Seal};

/// Bytes of one answer that stay in memory.
const IN_MEMORY: usize = 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Chunks {
    here: Vec<Vec<u8>>,
    bytes: usize,
    spilled: Option<Spilled>,
}

/// What lies on a disk is sealed with a key that nobody else has and that is gone with this.
#[derive(Debug)]
struct Spilled {
    file: File,
    seal: Seal,
    /// Where each chunk begins, and its length.
    places: Vec<(u64, usize)>,
    end: u64,
}

impl Chunks {
    /// `false`: there is no room for it on the disk.
    pub(super) fn push(&mut self, id: TaskId, chunk: Vec<u8>) -> bool {
        if self.spilled.is_none() && self.bytes.saturating_add(chunk.len()) > IN_MEMORY {
            // Without a place for files all of it stays in memory, within the bounds of the store.
            let opened = Spilled::open();
            self.spilled = opened.inspect_err(|error| tracing::debug!(error, "pages stay in memory")).ok();
        }
        let number = self.len();
        match &mut self.spilled {
            Some(spilled) => {
                let written = spilled.push(id, number, &chunk);
                written.inspect_err(|error| tracing::warn!(error, "a page could not be written")).is_ok()
            }
            None => {
                self.bytes = self.bytes.saturating_add(chunk.len());
                self.here.push(chunk);
                true
            }
        }
    }

    /// `Ok(None)` behind the last one.
    pub(super) fn get(&self, id: TaskId, number: usize) -> Result<Option<Vec<u8>>, Diagnostic> {
        match (self.here.get(number), &self.spilled) {
            (Some(chunk), _) => Ok(Some(chunk.clone())),
            (None, Some(spilled)) => spilled.get(id, number, self.here.len()),
            (None, None) => Ok(None),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.here.len().saturating_add(self.spilled.as_ref().map_or(0, |spilled| spilled.places.len()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Spilled {
    fn open() -> Result<Self, String> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| error.to_string())?;
        let file = tempfile::tempfile().map_err(|error| error.to_string())?;
        Ok(Self { file, seal: Seal::new(&MasterKey::new(key)), places: Vec::new(), end: 0 })
    }

    fn push(&mut self, id: TaskId, number: usize, chunk: &[u8]) -> Result<(), String> {
        let sealed = self.seal.seal(id, kind(number), chunk).map_err(|error| error.message)?;
        self.file.write_all_at(&sealed, self.end).map_err(|error| error.to_string())?;
        self.places.push((self.end, sealed.len()));
        self.end = self.end.saturating_add(u64::try_from(sealed.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn get(&self, id: TaskId, number: usize, before: usize) -> Result<Option<Vec<u8>>, Diagnostic> {
        let place = number.checked_sub(before).and_then(|at| self.places.get(at));
        let Some((start, length)) = place else { return Ok(None) };
        let mut sealed = vec![0; *length];
        self.file.read_exact_at(&mut sealed, *start).map_err(|_| altered())?;
        self.seal.open(id, kind(number), &sealed).map(Some)
    }
}

fn kind(number: usize) -> Kind {
    Kind::Chunk(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TaskId = TaskId::from_bytes([3; 16]);

    #[test]
    fn what_does_not_stay_in_memory_comes_back_from_the_file() {
        let mut chunks = Chunks::default();
        let chunk = |number: u8| vec![number; 300 * 1024];
        for number in 0..20 {
            assert!(chunks.push(ID, chunk(number)));
        }
        assert_eq!((chunks.here.len(), chunks.len()), (3, 20));
        for number in 0..20 {
            assert_eq!(chunks.get(ID, usize::from(number)).unwrap(), Some(chunk(number)));
        }
        assert_eq!(chunks.get(ID, 20).unwrap(), None);
        let file = &chunks.spilled.as_ref().unwrap().file;
        let mut bytes = vec![0; 300 * 1024];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(!bytes.windows(8).any(|window| window == [3; 8]), "it is sealed");
        file.write_all_at(&[9], 100).unwrap();
        assert!(chunks.get(ID, 3).is_err(), "what was altered is no row");
    }
}
