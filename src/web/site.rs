//! What the pages of a server stand on: their place, who logs people in, what is shown to them.

use std::sync::Arc;

use super::place::Place;
use crate::auth::external::Login;
use crate::auth::server::{AuthorizationServer, Sessions};
use crate::auth::{Credentials, PublicUrl};
use crate::gateway::Live;
use crate::store::{MasterKey, Vault};

/// Of what goes with a browser to another provider.
const LOGINS: &[u8] = b"pgwarden logins 1";

/// What the pages are composed of.
#[derive(Debug)]
pub struct PagesParts {
    pub public_url: PublicUrl,
    /// Values of `Host` that are answered besides the public one and those of loopback.
    pub hosts: Vec<String>,
    /// The store's key, the same for all replicas.
    pub key: MasterKey,
    pub sessions: Sessions,
    /// Where it is on.
    pub server: Option<Arc<AuthorizationServer>>,
    /// Where else one can log in.
    pub providers: Vec<Login>,
    pub gateway: Live,
    /// Where databases are used under people's own logins.
    pub credentials: Option<Arc<Credentials>>,
}

pub(super) struct Site {
    pub(super) place: Arc<Place>,
    pub(super) sessions: Sessions,
    pub(super) server: Option<Arc<AuthorizationServer>>,
    pub(super) providers: Vec<Login>,
    pub(super) gateway: Live,
    pub(super) credentials: Option<Arc<Credentials>>,
    pub(super) vault: Vault,
}

impl Site {
    pub(super) fn new(parts: PagesParts) -> Self {
        let PagesParts { public_url, hosts, key, sessions, server, providers, gateway, credentials } = parts;
        let place = Arc::new(Place::new(&public_url, &hosts, &key));
        let vault = Vault::new(&key, LOGINS);
        Self { place, sessions, server, providers, gateway, credentials, vault }
    }
}
