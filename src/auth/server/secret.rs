//! Secrets that we hand out: 256 random bits behind a prefix. Kept as their SHA-256 alone.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::pg::Diagnostic;
use crate::store::{MasterKey, Vault};

pub(super) const CODE: &str = "pgwc_";
pub(super) const ACCESS: &str = "pgwa_";
pub(super) const REFRESH: &str = "pgwr_";
pub(super) const SESSION: &str = "pgws_";

/// SHA-256 of a secret, by which it is found again.
pub(super) type Hash = [u8; 32];

/// A code, a token or a cookie's value, in clear. Debug shows nothing of it.
pub struct Opaque {
    text: Zeroizing<String>,
    bits: Zeroizing<[u8; 32]>,
}

impl Opaque {
    pub(super) fn random(prefix: &str) -> Result<Self, Diagnostic> {
        let mut bits = Zeroizing::new([0; 32]);
        getrandom::fill(bits.as_mut_slice()).map_err(|_| super::faults::no_random())?;
        let text = Zeroizing::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(*bits)));
        Ok(Self { text, bits })
    }

    /// `None`: not one of ours, whatever else it may be.
    pub(super) fn parse(prefix: &str, text: &str) -> Option<Self> {
        let mut bits = Zeroizing::new([0; 32]);
        let length = URL_SAFE_NO_PAD.decode_slice(text.strip_prefix(prefix)?, bits.as_mut_slice()).ok()?;
        (length == bits.len()).then(|| Self { text: Zeroizing::new(text.to_owned()), bits })
    }

    /// To be sent to whom it is for, and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    pub(super) fn hash(&self) -> Hash {
        sha256(self.text.as_bytes())
    }

    /// A key for what only the bearer of this secret may make.
    pub(super) fn mac_key(&self, label: &[u8]) -> hmac::Key {
        MasterKey::new(*self.bits).mac_key(label)
    }

    /// Opens what was sealed for the bearer of this secret; follows from nothing that is stored.
    pub(super) fn vault(&self) -> Vault {
        Vault::new(&MasterKey::new(*self.bits), b"pgwarden bearer 1")
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opaque(..)")
    }
}

pub(super) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// In the same time wherever they differ.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::{ACCESS, Opaque, REFRESH, same};

    #[test]
    fn a_secret_reads_back_only_as_what_it_is() {
        let token = Opaque::random(ACCESS).unwrap();
        assert_eq!(Opaque::parse(ACCESS, token.reveal()).unwrap().hash(), token.hash());
        assert!(Opaque::parse(REFRESH, token.reveal()).is_none());
        for wrong in
            ["pgwa_", "pgwa_AAAA", "", &format!("{}A", token.reveal()), &format!("{}=", token.reveal())]
        {
            assert!(Opaque::parse(ACCESS, wrong).is_none(), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "Opaque(..)");
    }

    #[test]
    fn sameness_is_of_all_bytes() {
        assert!(same(b"abc", b"abc") && same(b"", b""));
        assert!(!same(b"abc", b"abd") && !same(b"abc", b"ab") && !same(b"bbc", b"abc"));
    }
}
