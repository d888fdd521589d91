//! Keeps what is stored from whoever reads the store's tables: AES-256-GCM, a key for each thing and purpose.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};

use crate::pg::{Diagnostic, SqlState};

/// What all other keys come from: 32 bytes. Debug never shows it.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// One that nobody else has: what it seals is lost with the process.
    pub fn random() -> Result<Self, Diagnostic> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| no_random())?;
        Ok(Self(bytes))
    }

    /// Another key: the same for the same label, and nothing follows from it about this one or about those of other labels.
    pub fn mac_key(&self, label: &[u8]) -> hmac::Key {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), label);
        hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// Seals and opens the values of one purpose.
///
/// INVARIANT: a value opens only in the purpose, for the thing (`id`), and as the kind (`what`) that it was sealed as.
pub struct Vault(hkdf::Prk);

impl Vault {
    /// `purpose` is a fixed text with its version, as in `pgwarden tasks 1`.
    pub fn new(master: &MasterKey, purpose: &[u8]) -> Self {
        Self(hkdf::Salt::new(hkdf::HKDF_SHA256, purpose).extract(&master.0))
    }

    /// A random nonce, then what is sealed, then its tag.
    pub fn seal(&self, id: &[u8], what: &[u8], plain: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| no_random())?;
        let mut sealed = plain.to_vec();
        let tag = self
            .key(id)?
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(what), &mut sealed)
            .map_err(|_| unable("a value is too long to be sealed"))?;
        let mut whole = Vec::with_capacity(NONCE_LEN + sealed.len() + tag.as_ref().len());
        whole.extend_from_slice(&nonce);
        whole.append(&mut sealed);
        whole.extend_from_slice(tag.as_ref());
        Ok(whole)
    }

    pub fn open(&self, id: &[u8], what: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(altered)?;
        let mut plain = rest.to_vec();
        let key = self.key(id)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = key.open_in_place(nonce, Aad::from(what), &mut plain).map_err(|_| altered())?.len();
        plain.truncate(length);
        Ok(plain)
    }

    fn key(&self, id: &[u8]) -> Result<LessSafeKey, Diagnostic> {
        let info = [id];
        let key = self.0.expand(&info, &AES_256_GCM).map_err(|_| unable("no key can be made"))?;
        Ok(LessSafeKey::new(UnboundKey::from(key)))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

fn no_random() -> Diagnostic {
    unable("the operating system gave no random bytes")
}

fn unable(reason: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::INTERNAL_ERROR, format!("the store cannot seal: {reason}"))
}

/// What is there is not what was sealed.
pub fn altered() -> Diagnostic {
    Diagnostic::refused(
        SqlState::INTERNAL_ERROR,
        "the store holds a value that was altered, or that another key has sealed",
    )
}
