//! Keeps what callers said and got from whoever reads the store's tables: AES-256-GCM, a key for each task.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};

use super::TaskId;
use crate::pg::{Diagnostic, SqlState};

const SALT: &[u8] = b"pgwarden tasks 1";

/// What all other keys come from. Debug never shows it.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

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
    tasks: hkdf::Prk,
    fingerprints: hmac::Key,
}

impl Seal {
    pub(super) fn new(master: &MasterKey) -> Self {
        let tasks = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(&master.0);
        // Another salt than that of the tasks' keys.
        let fingerprints =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &master.0), b"pgwarden fingerprints 1");
        Self { tasks, fingerprints: hmac::Key::new(hmac::HMAC_SHA256, fingerprints.as_ref()) }
    }

    /// A random nonce, then what is sealed, then its tag.
    pub(super) fn seal(&self, id: TaskId, kind: Kind, plain: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| unable("the operating system gave no random bytes"))?;
        let mut sealed = plain.to_vec();
        let tag = self
            .key(id)?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(kind.bytes()),
                &mut sealed,
            )
            .map_err(|_| unable("a value is too long to be sealed"))?;
        let mut whole = Vec::with_capacity(NONCE_LEN + sealed.len() + tag.as_ref().len());
        whole.extend_from_slice(&nonce);
        whole.append(&mut sealed);
        whole.extend_from_slice(tag.as_ref());
        Ok(whole)
    }

    pub(super) fn open(&self, id: TaskId, kind: Kind, sealed: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(altered)?;
        let mut plain = rest.to_vec();
        let key = self.key(id)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length =
            key.open_in_place(nonce, Aad::from(kind.bytes()), &mut plain).map_err(|_| altered())?.len();
        plain.truncate(length);
        Ok(plain)
    }

    /// The same for the same fingerprint; nobody without the key can tell of which.
    pub(super) fn fingerprint(&self, fingerprint: &[u8; 32]) -> Vec<u8> {
        hmac::sign(&self.fingerprints, fingerprint).as_ref().to_vec()
    }

    fn key(&self, id: TaskId) -> Result<LessSafeKey, Diagnostic> {
        let info = [&id.to_bytes()[..]];
        let key = self.tasks.expand(&info, &AES_256_GCM).map_err(|_| unable("no key can be made"))?;
        Ok(LessSafeKey::new(UnboundKey::from(key)))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

fn unable(reason: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::INTERNAL_ERROR, format!("the task store cannot seal: {reason}"))
}

pub(super) fn altered() -> Diagnostic {
    Diagnostic::refused(
        SqlState::INTERNAL_ERROR,
        "the task store holds a value that was altered, or that another key has sealed",
    )
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
