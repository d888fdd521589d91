//! A client program, wherever it is known from.

use serde::{Deserialize, Serialize};

use super::redirect;
use super::secret::{Hash, same, sha256};

/// How we know a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ClientKind {
    /// The configuration names it.
    Configured,
    /// It registered itself: nobody vouches for what it says.
    Registered,
    /// By the document that its id leads to: the host vouches for it.
    Document,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: ClientKind,
    pub(super) redirect_uris: Vec<String>,
    /// SHA-256 of its secret; a client without one is public.
    pub(super) secret: Option<Hash>,
}

impl Client {
    pub(super) fn may_redirect_to(&self, uri: &str) -> bool {
        redirect::leads(uri).is_some()
            && self.redirect_uris.iter().any(|registered| redirect::is_registered(registered, uri))
    }

    /// A public client proves itself by PKCE and its tokens alone, and must not claim a secret.
    pub(super) fn is_proved_by(&self, secret: Option<&str>) -> bool {
        match (&self.secret, secret) {
            (None, None) => true,
            (Some(hash), Some(secret)) => same(hash, &sha256(secret.as_bytes())),
            _ => false,
        }
    }
}

/// A name as a person may read it: one line, no marks that turn text around, bounded.
pub(super) fn plain_name(name: &str, otherwise: &str) -> String {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    let name: String = name.chars().filter(|c| !invisible(*c)).take(80).collect();
    if name.trim().is_empty() { otherwise.to_owned() } else { name.trim().to_owned() }
}
