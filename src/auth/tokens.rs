//! Static bearer tokens: `pgw_<id>_<secret>`. The file keeps the SHA-256 of each and what it stands for, never the token.

mod file;
mod store;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Scope, Scopes};

pub use file::TokenFile;
pub use store::TokenStore;

/// How every static token starts.
const PREFIX: &str = "pgw_";

/// What a token shall stand for.
#[derive(Clone, Debug, Default)]
pub struct NewToken {
    /// For the person who lists or revokes it; unique in the file.
    pub name: String,
    /// Becomes [`super::Caller::subject`].
    pub subject: String,
    /// Becomes [`super::Caller::claims`].
    pub claims: BTreeMap<String, String>,
    pub expires: Option<DateTime<Utc>>,
    /// Becomes [`super::Caller::scopes`].
    pub scopes: Scopes,
}

/// A token as the file has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRecord {
    /// The part of the token that may be shown.
    pub id: String,
    pub name: String,
    pub subject: String,
    /// Of the whole token, in hexadecimal.
    pub sha256: String,
    pub created: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
    /// Words of [`super::Scope`]; without any it only reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// A token in clear, once: only its hash is kept.
pub struct Secret(String);

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the token file `{path}` cannot be {doing}: {source}", path = path.display())]
    Io { path: PathBuf, doing: &'static str, source: std::io::Error },
    #[error("the token file `{path}` does not read: {message}", path = path.display())]
    Syntax { path: PathBuf, message: String },
    #[error("the token file `{path}` has a faulty entry `{name}`: {what}", path = path.display())]
    Entry { path: PathBuf, name: String, what: &'static str },
    #[error("there is a token `{0}` already")]
    Exists(String),
    #[error("there is no token `{0}`")]
    Unknown(String),
    #[error("a token needs {0}")]
    Incomplete(&'static str),
    #[error("the system gave no random numbers")]
    NoRandom,
}

impl Secret {
    /// To be shown to the person who asked for it, and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl TokenRecord {
    pub fn scopes(&self) -> Scopes {
        match self.scopes.as_slice() {
            [] => Scope::Read.into(),
            words => words.iter().filter_map(|word| Scope::parse(word)).collect(),
        }
    }

    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// 48 bits to name it, 256 bits to prove it.
fn generate() -> Result<(String, Secret), TokenError> {
    let (mut id, mut secret) = ([0_u8; 6], [0_u8; 32]);
    getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut secret)).map_err(|_| TokenError::NoRandom)?;
    let id = hex(&id);
    let token = format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret));
    Ok((id, Secret(token)))
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
