//! What a client asks for at the authorization endpoint, as far as it can be told before anybody is logged in.

use url::Url;

use super::client::Client;
use super::redirect;
use crate::auth::Scopes;

/// Checked without any look at the network. Made anew from the query wherever it is needed.
#[derive(Debug)]
pub struct Asked {
    pub(super) client: AskedBy,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) challenge: String,
    pub(super) scopes: Scopes,
    pub(super) resource: String,
}

#[derive(Debug)]
pub(super) enum AskedBy {
    /// Its redirect URI is one of its own.
    Known(Box<Client>),
    /// Its document is read after somebody has logged in.
    Document(Url),
}

/// The redirect that carries an error to the client.
pub(super) fn refusal(
    redirect_uri: &str,
    issuer: &str,
    state: Option<&str>,
    error: &str,
    description: &str,
) -> String {
    let mut parameters = vec![("error", error), ("error_description", description)];
    parameters.extend(state.map(|state| ("state", state)));
    parameters.push(("iss", issuer));
    redirect::with(redirect_uri, &parameters)
}
