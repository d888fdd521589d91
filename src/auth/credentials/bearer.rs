//! What stands for the bearer of a token: a key that follows from it, and a name that says nothing of the key.

use std::fmt;

use ring::hmac;
use zeroize::Zeroizing;

use crate::pg::Diagnostic;
use crate::store::{MasterKey, Vault};

/// Tells bearers apart.
pub(super) type Print = [u8; 32];

/// Of one request, for as long as it runs.
pub struct Bearer {
    print: Print,
    key: Zeroizing<[u8; 32]>,
}

impl Bearer {
    /// Tokens are long and random: nobody finds one by its print.
    pub fn of(token: &str) -> Self {
        Self {
            print: derived(b"pgwarden bearer print 1", token.as_bytes()),
            key: Zeroizing::new(derived(b"pgwarden bearer key 1", token.as_bytes())),
        }
    }

    /// One that nobody presents.
    pub fn random() -> Result<Self, Diagnostic> {
        let key = MasterKey::random()?;
        let (mut print, mut bits) = ([0; 32], Zeroizing::new([0; 32]));
        copy(&mut print, hmac::sign(&key.mac_key(b"print"), b"").as_ref());
        copy(bits.as_mut_slice(), hmac::sign(&key.mac_key(b"key"), b"").as_ref());
        Ok(Self { print, key: bits })
    }

    pub(super) fn print(&self) -> &Print {
        &self.print
    }

    pub(super) fn vault(&self) -> Vault {
        Vault::new(&MasterKey::new(*self.key), b"pgwarden credentials 1")
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

fn derived(label: &[u8], token: &[u8]) -> [u8; 32] {
    let mut bits = [0; 32];
    copy(&mut bits, hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, label), token).as_ref());
    bits
}

fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}
