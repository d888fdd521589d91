//! A provider's public keys (RFC 7517). What is no key to verify signatures with is passed over.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

use super::algorithm::{Algorithm, Curve, Verification};

/// Keys of one set that are looked at.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, where it says so.
    algorithm: Option<String>,
    public: Public,
}

#[derive(Debug)]
enum Public {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Point { curve: Curve, bytes: Vec<u8> },
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// `None`: not a key set, or one without a usable key.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(text).ok()?;
        let jwks = document.keys.into_iter().take(MOST);
        let keys: Vec<Key> =
            jwks.filter_map(|jwk| serde_json::from_value(jwk).ok()).filter_map(Key::read).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// There is a key that a header of `id` and `algorithm` can mean.
    pub(super) fn has(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        self.meant(id, algorithm).next().is_some()
    }

    /// `message` was signed by one of those keys.
    pub(super) fn verify(
        &self,
        (id, algorithm): (Option<&str>, Algorithm),
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        self.meant(id, algorithm).any(|key| key.public.verifies(algorithm, message, signature))
    }

    fn meant(&self, id: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        self.0.iter().filter(move |key| {
            id.is_none_or(|id| key.id.as_deref() == Some(id))
                && key.algorithm.as_ref().is_none_or(|only| only == algorithm.word())
                && key.public.fits(algorithm)
        })
    }
}

impl Key {
    fn read(jwk: Jwk) -> Option<Self> {
        let verifies = jwk.usage.as_ref().is_none_or(|usage| usage == "sig")
            && jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !verifies {
            return None;
        }
        let public = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Public::Rsa { n: integer(jwk.n)?, e: integer(jwk.e)? },
            ("EC", Some("P-256")) => point(Curve::P256, 32, jwk.x, jwk.y)?,
            ("EC", Some("P-384")) => point(Curve::P384, 48, jwk.x, jwk.y)?,
            ("OKP", Some("Ed25519")) => Public::Point { curve: Curve::Ed25519, bytes: bytes(jwk.x)? },
            _ => return None,
        };
        Some(Self { id: jwk.kid, algorithm: jwk.alg, public })
    }
}

impl Public {
    fn fits(&self, algorithm: Algorithm) -> bool {
        match (self, algorithm.verification()) {
            (Self::Rsa { .. }, Verification::Rsa(_)) => true,
            (Self::Point { curve, .. }, Verification::Point(wanted, _)) => *curve == wanted,
            _ => false,
        }
    }

    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm.verification()) {
            (Self::Rsa { n, e }, Verification::Rsa(parameters)) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }
            (Self::Point { curve, bytes }, Verification::Point(wanted, algorithm)) if *curve == wanted => {
                UnparsedPublicKey::new(algorithm, bytes).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}

fn bytes(text: Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}

/// Some providers write leading zeros.
fn integer(text: Option<String>) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).map(<[u8]>::to_vec)
}

/// Uncompressed (SEC 1, 2.3.3).
fn point(curve: Curve, size: usize, x: Option<String>, y: Option<String>) -> Option<Public> {
    let (x, y) = (bytes(x)?, bytes(y)?);
    let whole = x.len() == size && y.len() == size;
    whole.then(|| Public::Point { curve, bytes: [&[4][..], &x, &y].concat() })
}
