//! The hash of a record: SHA-256, or HMAC-SHA-256 with a key.

use std::fmt;
use std::sync::Arc;

use ring::hmac;
use sha2::{Digest as _, Sha256};

/// Who has it can make a chain that verifies. Its Debug shows nothing.
#[derive(Clone)]
pub struct Key(Arc<hmac::Key>);

impl Key {
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// Of a file's content: 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pairs = text.trim().as_bytes().chunks(2).map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        });
        let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
        Some(Self::new(&<[u8; 32]>::try_from(bytes).ok()?))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// As 64 hexadecimal digits.
pub(super) fn hash(key: Option<&Key>, bytes: &[u8]) -> String {
    match key {
        Some(Key(key)) => hex(hmac::sign(key, bytes).as_ref()),
        None => hex(&Sha256::digest(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
