//! What a task's values are sealed as: a key for each task, a kind for each value.

use std::fmt;

use ring::hmac;

use super::TaskId;
use crate::pg::Diagnostic;
use crate::store::{MasterKey, Vault};

const PURPOSE: &[u8] = b"pgwarden tasks 1";

/// What a sealed value is. INVARIANT: it opens only as what it was sealed as, and for the same task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Question,
    Message,
    Answer,
    Header,
    End,
    Chunk(u32),
    Inputs,
}

impl Kind {
    fn bytes(self) -> [u8; 5] {
        let (kind, number) = match self {
            Self::Question => (1, 0),
            Self::Message => (2, 0),
            Self::Answer => (3, 0),
            Self::Header => (4, 0),
            Self::End => (5, 0),
            Self::Chunk(number) => (6, number),
            Self::Inputs => (7, 0),
        };
        let [a, b, c, d] = number.to_be_bytes();
        [kind, a, b, c, d]
    }
}

pub(super) struct Seal {
    tasks: Vault,
    fingerprints: hmac::Key,
}

impl Seal {
    pub(super) fn new(master: &MasterKey) -> Self {
        Self { tasks: Vault::new(master, PURPOSE), fingerprints: master.mac_key(b"pgwarden fingerprints 1") }
    }

    pub(super) fn seal(&self, id: TaskId, kind: Kind, plain: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        self.tasks.seal(&id.to_bytes(), &kind.bytes(), plain)
    }

    pub(super) fn open(&self, id: TaskId, kind: Kind, sealed: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        self.tasks.open(&id.to_bytes(), &kind.bytes(), sealed)
    }

    /// The same for the same fingerprint; nobody without the key can tell of which.
    pub(super) fn fingerprint(&self, fingerprint: &[u8; 32]) -> Vec<u8> {
        hmac::sign(&self.fingerprints, fingerprint).as_ref().to_vec()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_as_what_it_is_for_its_task_and_with_its_key() {
        let seal = Seal::new(&MasterKey::new([1; 32]));
        let (one, two) = (TaskId::from_bytes([1; 16]), TaskId::from_bytes([2; 16]));
        let sealed = seal.seal(one, Kind::Chunk(3), b"rows").unwrap();
        assert_eq!(seal.open(one, Kind::Chunk(3), &sealed).unwrap(), b"rows");
        assert_ne!(seal.seal(one, Kind::Chunk(3), b"rows").unwrap(), sealed, "a nonce of its own");
        seal.open(two, Kind::Chunk(3), &sealed).unwrap_err();
        seal.open(one, Kind::Chunk(4), &sealed).unwrap_err();
        seal.open(one, Kind::Answer, &sealed).unwrap_err();
        Seal::new(&MasterKey::new([2; 32])).open(one, Kind::Chunk(3), &sealed).unwrap_err();
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            seal.open(one, Kind::Chunk(3), &altered).unwrap_err();
            seal.open(one, Kind::Chunk(3), &sealed[..at]).unwrap_err();
        }
    }

    #[test]
    fn nothing_shows_the_key() {
        let key = MasterKey::new([0xab; 32]);
        assert_eq!(format!("{key:?} {:?}", Seal::new(&key)), ".. ..");
    }
}
