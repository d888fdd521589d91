//! A signed token in its compact form (RFC 7515), read and not yet believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::keys::KeySet;

/// Characters of a token that is read at all.
pub(super) const MOST: usize = 16 * 1024;

pub(super) type Object = Map<String, Value>;

pub(super) struct Signed<'t> {
    pub(super) algorithm: Option<Algorithm>,
    pub(super) key: Option<String>,
    pub(super) kind: Option<String>,
    /// As they stand there: true once the signature is.
    pub(super) claims: Object,
    message: &'t str,
    signature: Vec<u8>,
}

/// Keys and certificates that a token brings along are not looked at: it could bring its forger's.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    /// Extensions that have to be understood; we know none.
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
    /// RFC 7797: says that the payload is not what it seems.
    #[serde(default, deserialize_with = "is_there")]
    b64: bool,
}

impl<'t> Signed<'t> {
    /// `None`: not one.
    pub(super) fn read(token: &'t str) -> Option<Self> {
        if token.len() > MOST {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.crit || header.b64 {
            return None;
        }
        let claims: Object = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let algorithm = Algorithm::parse(&header.alg);
        Some(Self { algorithm, key: header.kid, kind: header.typ, claims, message, signature })
    }

    /// As the caller of it would have it believed: only to find out whose keys to ask.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }

    pub(super) fn is_signed_by(&self, keys: &KeySet, algorithm: Algorithm) -> bool {
        keys.verify((self.key.as_deref(), algorithm), self.message.as_bytes(), &self.signature)
    }

    /// `typ` is one of these, in any case and with or without `application/`, or is not there.
    pub(super) fn is_kind(&self, kinds: &[&str]) -> bool {
        let Some(kind) = &self.kind else { return true };
        let kind = kind.to_ascii_lowercase();
        kinds.contains(&kind.strip_prefix("application/").unwrap_or(&kind))
    }
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
