//! What is sealed, for whom: bodies under the store's key; logins under a key that only live secrets open.

use std::sync::Arc;

use ring::hmac;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::faults;
use super::identity::{Identity, words};
use super::secret::Hash;
use crate::auth::{OwnLogin, Scopes};
use crate::pg::Diagnostic;
use crate::store::{MasterKey, Vault, altered};

/// What a grant says.
#[derive(Serialize, Deserialize)]
pub(super) struct GrantBody {
    pub(super) client_id: String,
    pub(super) client_name: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) resource: String,
    #[serde(with = "words")]
    pub(super) scopes: Scopes,
    pub(super) identity: Identity,
    /// Seconds since 1970.
    pub(super) granted: i64,
}

/// Kinds of what is sealed under the store's key.
#[derive(Clone, Copy)]
pub(super) enum What {
    Grant,
    Session,
    Client,
}

pub(super) struct Seal {
    vault: Vault,
    owners: hmac::Key,
}

impl Seal {
    pub(super) fn new(key: &MasterKey) -> Self {
        Self {
            vault: Vault::new(key, b"pgwarden authorization 1"),
            owners: key.mac_key(b"pgwarden authorization owner 1"),
        }
    }

    pub(super) fn seal(&self, id: &[u8], what: What, value: &impl Serialize) -> Result<Vec<u8>, Diagnostic> {
        let text = Zeroizing::new(serde_json::to_vec(value).map_err(|_| altered())?);
        self.vault.seal(id, what.word(), &text)
    }

    pub(super) fn open<T: DeserializeOwned>(
        &self,
        id: &[u8],
        what: What,
        sealed: &[u8],
    ) -> Result<T, Diagnostic> {
        let text = Zeroizing::new(self.vault.open(id, what.word(), sealed)?);
        serde_json::from_slice(&text).map_err(|_| altered())
    }

    /// Stands for a person in the store, and for a person's consent.
    pub(super) fn keyed(&self, fields: &[&str]) -> Hash {
        let mut context = hmac::Context::with_key(&self.owners);
        for field in fields {
            context.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(field.as_bytes());
        }
        let mut hash = [0; 32];
        hash.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        hash
    }

    pub(super) fn owner(&self, identity: &Identity) -> Hash {
        self.keyed(&["owner", &identity.issuer, &identity.subject, &identity.role_number()])
    }
}

impl What {
    const fn word(self) -> &'static [u8] {
        match self {
            Self::Grant => b"grant",
            Self::Session => b"session",
            Self::Client => b"client",
        }
    }
}

/// The key of one login. In memory only while a code or token is exchanged or verified, or nothing is sealed by it yet.
pub(in crate::auth) struct LoginKey(Zeroizing<[u8; 32]>);

impl LoginKey {
    pub(in crate::auth) fn random() -> Result<Self, Diagnostic> {
        let mut bits = Zeroizing::new([0; 32]);
        getrandom::fill(bits.as_mut_slice()).map_err(|_| faults::no_random())?;
        Ok(Self(bits))
    }

    /// For whoever bears the secret that `bearer` is of. `id` names what the login is sealed for.
    pub(in crate::auth) fn wrap(&self, id: &[u8; 16], bearer: &Vault) -> Result<Vec<u8>, Diagnostic> {
        bearer.seal(id, b"login key", self.0.as_slice())
    }

    pub(in crate::auth) fn unwrap(id: &[u8; 16], bearer: &Vault, wrapped: &[u8]) -> Result<Self, Diagnostic> {
        let opened = Zeroizing::new(bearer.open(id, b"login key", wrapped)?);
        let bits: [u8; 32] = opened.as_slice().try_into().map_err(|_| altered())?;
        Ok(Self(Zeroizing::new(bits)))
    }

    pub(in crate::auth) fn seal(&self, id: &[u8; 16], login: &OwnLogin) -> Result<Vec<u8>, Diagnostic> {
        seal_login(&self.vault(), id, login)
    }

    pub(in crate::auth) fn open(&self, id: &[u8; 16], sealed: &[u8]) -> Result<Arc<OwnLogin>, Diagnostic> {
        open_login(&self.vault(), id, sealed)
    }

    fn vault(&self) -> Vault {
        Vault::new(&MasterKey::new(*self.0), b"pgwarden login 1")
    }
}

/// Role and password, NUL between: PostgreSQL has it in neither.
pub(super) fn seal_login(vault: &Vault, id: &[u8], login: &OwnLogin) -> Result<Vec<u8>, Diagnostic> {
    let text = Zeroizing::new(format!("{}\0{}", login.role, login.password.as_str()));
    vault.seal(id, b"login", text.as_bytes())
}

pub(super) fn open_login(vault: &Vault, id: &[u8], sealed: &[u8]) -> Result<Arc<OwnLogin>, Diagnostic> {
    let opened = Zeroizing::new(vault.open(id, b"login", sealed)?);
    let text = std::str::from_utf8(&opened).map_err(|_| altered())?;
    let (role, password) = text.split_once('\0').ok_or_else(altered)?;
    Ok(Arc::new(OwnLogin { role: role.to_owned(), password: Zeroizing::new(password.to_owned()) }))
}
