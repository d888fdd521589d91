//! The authorization endpoint before login: what needs neither a person nor the network.

use url::Url;

use super::asked::{Asked, AskedBy, refusal};
use super::client::{Client, ClientKind};
use super::parameters::{FAULTY, Parameters};
use super::{AuthorizationServer, AuthorizeError, pkce, redirect};
use crate::auth::server::secret::sha256;
use crate::auth::{Scope, Scopes};

/// A request that waits for a person's consent. The redirect URI is the client's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    pub client_id: String,
    /// As the client calls itself.
    pub client_name: String,
    pub kind: ClientKind,
    /// The host that vouches for the client, of one known by its document.
    pub client_host: Option<String>,
    pub redirect_uri: String,
    /// The redirect's host, or its scheme with a colon.
    pub redirect_host: String,
    /// What `form-action` has to name besides `'self'`.
    pub redirect_source: Option<String>,
    /// Any program of the person's machine may be the one that gets the code.
    pub is_loopback: bool,
    /// What will be granted: asked for, and within what the person may.
    pub scopes: Scopes,
    pub resource: String,
    /// The redirect leads to a host, by https.
    pub(super) is_web: bool,
    pub(super) state: Option<String>,
    pub(super) challenge: String,
}

impl Pending {
    /// Tells this request from all others, for the CSRF token of its consent.
    pub fn digest(&self) -> String {
        let fields = [
            self.client_id.as_str(),
            &self.redirect_uri,
            &self.scopes.to_string(),
            &self.resource,
            self.state.as_deref().unwrap_or_default(),
            &self.challenge,
        ];
        let whole: String = fields.iter().map(|field| format!("{}:{field},", field.len())).collect();
        sha256(whole.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl AuthorizationServer {
    /// Reads the query of `/authorize`. Until client and redirect URI are known to be good, errors are for the page alone; so
    /// they are for a client that anybody could have registered: before login, its URI would make this host's links lead there.
    pub async fn authorize(&self, query: &[(String, String)]) -> Result<Asked, AuthorizeError> {
        let page = AuthorizeError::Page;
        let given = Parameters::read(query).ok_or(page(FAULTY))?;
        let client_id = given.value("client_id").ok_or(page("there is no client_id"))?;
        let client = self.asked_by(client_id).await?;
        let redirect_uri = given.value("redirect_uri").ok_or(page("there is no redirect_uri"))?;
        if redirect::leads(redirect_uri).is_none() {
            return Err(page("the redirect_uri is none that may be redirected to"));
        }
        if let AskedBy::Known(client) = &client
            && !client.may_redirect_to(redirect_uri)
        {
            return Err(page("the redirect_uri is not one of the client's"));
        }
        let state = given.value("state").map(str::to_owned);
        let (challenge, scopes) = self.asked_for(&given).map_err(|(error, description)| match &client {
            AskedBy::Known(client) if client.kind != ClientKind::Registered => {
                let issuer = &self.settings.issuer;
                let to = refusal(redirect_uri, issuer, state.as_deref(), error, description);
                AuthorizeError::Redirect(to)
            }
            AskedBy::Known(_) | AskedBy::Document(_) => page(description),
        })?;
        Ok(Asked {
            client,
            redirect_uri: redirect_uri.to_owned(),
            state,
            challenge,
            scopes,
            resource: self.settings.resource.clone(),
        })
    }

    async fn asked_by(&self, client_id: &str) -> Result<AskedBy, AuthorizeError> {
        if let Some(client) = self.clients.known(client_id).await? {
            return Ok(AskedBy::Known(Box::new(client)));
        }
        self.clients.document_url(client_id).map(AskedBy::Document).map_err(AuthorizeError::Page)
    }

    /// Challenge and scopes; or an error's code and words.
    fn asked_for(&self, given: &Parameters<'_>) -> Result<(String, Scopes), (&'static str, &'static str)> {
        let invalid = |description| ("invalid_request", description);
        if given.value("request").is_some() {
            return Err(("request_not_supported", "request objects are not read"));
        }
        if given.value("request_uri").is_some() {
            return Err(("request_uri_not_supported", "request objects are not read"));
        }
        match given.value("response_type") {
            Some("code") => {}
            Some(_) => return Err(("unsupported_response_type", "response_type must be code")),
            None => return Err(invalid("there is no response_type")),
        }
        if given.value("response_mode").is_some_and(|mode| mode != "query") {
            return Err(invalid("response_mode must be query"));
        }
        // Without a method RFC 7636 means `plain`.
        if given.value("code_challenge_method") != Some("S256") {
            return Err(invalid("code_challenge_method must be S256"));
        }
        let challenge = given.value("code_challenge").filter(|text| pkce::is_challenge(text));
        let challenge = challenge.ok_or(invalid("code_challenge must be 43 characters of base64url"))?;
        if !given.value("resource").is_some_and(|resource| self.is_ours(resource)) {
            return Err(("invalid_target", "resource must be the URI of this server's /mcp"));
        }
        Ok((challenge.to_owned(), self.scopes(given.value("scope"))?))
    }

    /// Whether `resource` is what tokens of ours are for.
    pub(super) fn is_ours(&self, resource: &str) -> bool {
        let ours = &self.settings.resource;
        resource == ours || Url::parse(resource).is_ok_and(|url| url.as_str() == ours)
    }

    /// Only reading, where nothing is asked for. `offline_access` is what every client has here anyhow.
    fn scopes(&self, scope: Option<&str>) -> Result<Scopes, (&'static str, &'static str)> {
        let words = scope.unwrap_or_default().split(' ').filter(|word| !word.is_empty());
        let words: Vec<&str> = words.filter(|word| *word != "offline_access").collect();
        let scopes: Option<Scopes> = words.iter().map(|word| Scope::parse(word)).collect();
        let scopes = if words.is_empty() { Some(Scope::Read.into()) } else { scopes };
        scopes
            .filter(|scopes| scopes.and(self.settings.offered()) == *scopes)
            .ok_or(("invalid_scope", "a scope is asked for that is not offered"))
    }
}

impl Client {
    /// As a person is asked about it.
    pub(super) fn pending(&self, asked: &Asked, scopes: Scopes) -> Pending {
        let uri = &asked.redirect_uri;
        let url = (self.kind == ClientKind::Document).then(|| Url::parse(&self.id).ok()).flatten();
        Pending {
            client_id: self.id.clone(),
            client_name: self.name.clone(),
            kind: self.kind,
            client_host: url.and_then(|url| url.host_str().map(str::to_owned)),
            redirect_host: redirect::shown(uri),
            redirect_source: redirect::source(uri),
            is_loopback: redirect::leads(uri) == Some(redirect::Leads::Loopback),
            is_web: redirect::leads(uri) == Some(redirect::Leads::Web),
            redirect_uri: uri.clone(),
            scopes,
            resource: asked.resource.clone(),
            state: asked.state.clone(),
            challenge: asked.challenge.clone(),
        }
    }
}
