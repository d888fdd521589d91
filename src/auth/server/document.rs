//! Client ID Metadata Documents: a client is what the document says that its id leads to
//! (draft-ietf-oauth-client-id-metadata-document).

use serde::Deserialize;
use serde::de::IgnoredAny;
use url::{Host, Url};

use super::client::{Client, ClientKind, plain_name};
use super::redirect::{Leads, leads};
use super::{FetchError, TrustedHosts};

const LONGEST_URL: usize = 200;
const MOST_REDIRECTS: usize = 30;

/// Why a document makes no client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DocumentFault {
    Fetch(FetchError),
    /// Too many were read for this person, or from this host.
    TooOften,
    NotRead,
    OtherId,
    Secret,
    Flow,
    Redirects,
}

#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_name: Option<String>,
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_secret: Option<IgnoredAny>,
    client_secret_expires_at: Option<IgnoredAny>,
}

/// A client id that leads to a document: https, a host's name, a path; nothing that a parser would read in two ways.
pub(super) fn url(client_id: &str) -> Option<Url> {
    if client_id.len() > LONGEST_URL {
        return None;
    }
    let url = Url::parse(client_id).ok()?;
    let is_plain = url.scheme() == "https"
        && matches!(url.host(), Some(Host::Domain(name)) if name.contains('.') && !name.ends_with('.'))
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.path() != "/"
        // Dot segments, an explicit port, capitals in the host and the like were mended by the parser.
        && url.as_str() == client_id;
    is_plain.then_some(url)
}

/// The client that `body`, read from `url`, describes.
pub(super) fn client(url: &Url, body: &[u8], trusted: &TrustedHosts) -> Result<Client, DocumentFault> {
    let document: Document = serde_json::from_slice(body).map_err(|_| DocumentFault::NotRead)?;
    if document.client_id != url.as_str() {
        return Err(DocumentFault::OtherId);
    }
    let is_public = document.token_endpoint_auth_method.as_deref().is_none_or(|method| method == "none");
    if !is_public || document.client_secret.is_some() || document.client_secret_expires_at.is_some() {
        return Err(DocumentFault::Secret);
    }
    let lacks = |list: &Option<Vec<String>>, word: &str| {
        list.as_ref().is_some_and(|list| !list.iter().any(|listed| listed == word))
    };
    if lacks(&document.grant_types, "authorization_code") || lacks(&document.response_types, "code") {
        return Err(DocumentFault::Flow);
    }
    let host = url.host_str().unwrap_or_default();
    let redirect_uris: Vec<String> = document
        .redirect_uris
        .into_iter()
        .filter(|uri| is_own(uri, host, trusted))
        .take(MOST_REDIRECTS)
        .collect();
    if redirect_uris.is_empty() {
        return Err(DocumentFault::Redirects);
    }
    Ok(Client {
        id: url.as_str().to_owned(),
        name: plain_name(document.client_name.as_deref().unwrap_or_default(), host),
        kind: ClientKind::Document,
        redirect_uris,
        secret: None,
    })
}

/// On the document's host, or on another that is listed, or on the person's machine. A private scheme may belong to any
/// program: the host cannot vouch for it.
fn is_own(uri: &str, host: &str, trusted: &TrustedHosts) -> bool {
    match leads(uri) {
        Some(Leads::Loopback) => true,
        Some(Leads::Web) => Url::parse(uri).is_ok_and(|uri| {
            let there = uri.host_str().unwrap_or_default();
            let is_listed = matches!(trusted, TrustedHosts::Listed(_)) && trusted.has(there);
            uri.port().is_none() && (there == host || is_listed)
        }),
        Some(Leads::Private) | None => false,
    }
}

impl DocumentFault {
    /// For the log.
    pub(super) const fn cause(self) -> &'static str {
        match self {
            Self::Fetch(error) => error.cause(),
            Self::TooOften => "read too often",
            Self::NotRead => "the document does not read",
            Self::OtherId => "the document has another client_id",
            Self::Secret => "the document is not of a public client",
            Self::Flow => "the document lacks the authorization code flow",
            Self::Redirects => "the document has no redirect URI that may be redirected to",
        }
    }

    /// For the page: nothing of what is behind an address.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Fetch(_) => "the client's metadata document cannot be read",
            Self::TooOften => "too many clients' metadata documents were read: try again in some minutes",
            other => other.cause(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DocumentFault, client, url};
    use crate::auth::server::TrustedHosts;

    const ID: &str = "https://claude.ai/oauth/claude-code-client-metadata";

    fn read(body: &str) -> Result<Vec<String>, DocumentFault> {
        client(&url(ID).unwrap(), body.as_bytes(), &TrustedHosts::default())
            .map(|client| client.redirect_uris)
    }

    #[test]
    fn an_id_is_a_plain_https_url_with_a_path() {
        for good in [
            ID,
            "https://chatgpt.com/oauth/abc-123/client.json",
            "https://vscode.dev/oauth/client-metadata.json",
        ] {
            assert_eq!(url(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "client",
            "http://claude.ai/x",
            "https://claude.ai",
            "https://claude.ai/",
            "https://claude.ai/x?y",
            "https://claude.ai/x#y",
            "https://claude.ai/x#",
            "https://claude.ai/x?",
            "https://u@claude.ai/x",
            "https://u:p@claude.ai/x",
            "https://@claude.ai/x",
            "https://claude.ai:443/x",
            "https://claude.ai:8443/x",
            "https://claude.ai/a/../x",
            "https://claude.ai/./x",
            "https://claude.ai/%2e%2e/x",
            "https://CLAUDE.ai/x",
            "https://claude.ai./x",
            "https://localhost/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://claude.ai\\@evil.example/x",
            "https:claude.ai/x",
            "https:///claude.ai/x",
            "https://claude.ai/ x",
            "https://claude.ai/\u{e9}",
            " https://claude.ai/x",
            "https://cl\u{430}ude.ai/x",
            &format!("https://claude.ai/{}", "x".repeat(200)),
        ] {
            assert!(url(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_document_is_of_its_own_url_and_of_a_public_client() {
        let with = |more: &str| {
            format!(
                r#"{{"client_id":"{ID}","client_name":"Claude","redirect_uris":["http://localhost/callback"]{more}}}"#
            )
        };
        assert_eq!(read(&with("")).unwrap(), ["http://localhost/callback"]);
        assert!(read(&with(r#","token_endpoint_auth_method":"none","logo_uri":"x""#)).is_ok());
        for (more, fault) in [
            (r#","token_endpoint_auth_method":"client_secret_post""#, DocumentFault::Secret),
            (r#","client_secret":"x""#, DocumentFault::Secret),
            (r#","client_secret_expires_at":0"#, DocumentFault::Secret),
            (r#","grant_types":["client_credentials"]"#, DocumentFault::Flow),
            (r#","response_types":["token"]"#, DocumentFault::Flow),
            (r#","client_id":"https://claude.ai/other""#, DocumentFault::NotRead),
        ] {
            assert_eq!(read(&with(more)).unwrap_err(), fault, "{more}");
        }
        assert_eq!(read(&with("").replace("claude-code", "other")).unwrap_err(), DocumentFault::OtherId);
        assert_eq!(read("[]").unwrap_err(), DocumentFault::NotRead);
        assert_eq!(read("").unwrap_err(), DocumentFault::NotRead);
    }

    #[test]
    fn redirects_stay_with_the_host_with_listed_hosts_and_on_loopback() {
        let read = |uris: &str| read(&format!(r#"{{"client_id":"{ID}","redirect_uris":[{uris}]}}"#));
        assert_eq!(
            read(r#""https://claude.com/cb","https://evil.example/cb","http://127.0.0.1/cb","app://x","https://claude.ai/cb""#)
                .unwrap(),
            ["https://claude.com/cb", "http://127.0.0.1/cb", "https://claude.ai/cb"]
        );
        for uris in
            ["", r#""https://evil.example/cb""#, r#""javascript:x""#, r#""https://claude.ai:8443/cb""#]
        {
            assert_eq!(read(uris).unwrap_err(), DocumentFault::Redirects, "{uris}");
        }
        let elsewhere = format!(r#"{{"client_id":"{ID}","redirect_uris":["https://claude.com/cb"]}}"#);
        assert!(client(&url(ID).unwrap(), elsewhere.as_bytes(), &TrustedHosts::Any).is_err());
    }
}
