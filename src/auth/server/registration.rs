//! Dynamic client registration (RFC 7591), off unless the configuration says otherwise: public clients alone, few, and
//! forgotten where nobody uses them.

use std::net::IpAddr;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, ClientKind, plain_name};
use super::event::Step;
use super::proving::network;
use super::redirect::leads;
use super::seal::What;
use super::secret::sha256;
use super::store::ClientRow;
use super::{AuthorizationServer, Opaque, RegisterError};

pub(super) const PREFIX: &str = "client_";

const MOST: i64 = 1_000;
const MOST_BYTES: usize = 5 * 1024;
const MOST_REDIRECTS: usize = 10;
/// A client that never got a token ends.
const FIRST: TimeDelta = TimeDelta::hours(24);

#[derive(Deserialize)]
struct Registration {
    client_name: Option<String>,
    redirect_uris: Vec<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
}

impl AuthorizationServer {
    /// The answer to a POST of JSON from `address`; its status is 201.
    pub async fn register(&self, body: &[u8], address: IpAddr) -> Result<Value, RegisterError> {
        if !self.clients.registration {
            let words = "clients cannot register themselves here: use a client with a metadata document";
            return Err(RegisterError { status: 403, error: "access_denied", description: words });
        }
        let now = self.clock.now();
        if !self.clients.by_address.allows(&network(address), now) {
            let words = "too many registrations from this address: try again in an hour";
            return Err(RegisterError { status: 429, error: "temporarily_unavailable", description: words });
        }
        let client = self.read(body)?;
        let hash = sha256(client.id.as_bytes());
        let body = self.clients.seal.seal(&hash, What::Client, &client)?;
        let row = ClientRow { hash, ends: now + FIRST, body };
        if !self.clients.store.add_client(row, MOST).await? {
            let words = "there are too many registered clients: try again tomorrow";
            return Err(RegisterError { status: 503, error: "temporarily_unavailable", description: words });
        }
        self.event("", Step::Registered { client_id: &client.id, address });
        Ok(json!({
            "client_id": client.id,
            "client_id_issued_at": now.timestamp(),
            "client_name": client.name,
            "redirect_uris": client.redirect_uris,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }))
    }

    fn read(&self, body: &[u8]) -> Result<Client, RegisterError> {
        let invalid = |words| RegisterError::new("invalid_client_metadata", words);
        if body.len() > MOST_BYTES {
            return Err(invalid("the metadata is too long"));
        }
        let asked: Registration =
            serde_json::from_slice(body).map_err(|_| invalid("the metadata does not read"))?;
        let lacks = |list: &Option<Vec<String>>, word: &str| {
            list.as_ref().is_some_and(|list| !list.iter().any(|listed| listed == word))
        };
        if lacks(&asked.grant_types, "authorization_code") || lacks(&asked.response_types, "code") {
            return Err(invalid("the client has to use the authorization code flow"));
        }
        let redirects = &asked.redirect_uris;
        if redirects.is_empty()
            || redirects.len() > MOST_REDIRECTS
            || redirects.iter().any(|uri| !may_register(uri))
        {
            let words =
                "redirect_uris: 1 to 10, each https, http on loopback, or a private scheme with a period";
            return Err(RegisterError::new("invalid_redirect_uri", words));
        }
        let random = Opaque::random(PREFIX)?;
        Ok(Client {
            id: random.reveal().to_owned(),
            name: plain_name(asked.client_name.as_deref().unwrap_or_default(), "a client without a name"),
            kind: ClientKind::Registered,
            redirect_uris: asked.redirect_uris,
            secret: None,
        })
    }
}

/// A private scheme that says whose it is (RFC 8252, 7.1), or a safe place.
fn may_register(uri: &str) -> bool {
    match leads(uri) {
        Some(super::redirect::Leads::Private) => {
            uri.split_once(':').is_some_and(|(scheme, _)| scheme.contains('.'))
        }
        Some(_) => true,
        None => false,
    }
}
