//! Where a provider has its endpoints: OpenID Connect Discovery, else RFC 8414.

use serde::Deserialize;
use url::Url;

use super::fetch::{FetchError, Fetcher};

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) jwks_uri: Option<String>,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) token_endpoint: Option<String>,
    #[serde(default = "basic")]
    pub(super) token_endpoint_auth_methods_supported: Vec<String>,
    /// RFC 9207.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// What the standards say where the metadata is silent.
fn basic() -> Vec<String> {
    vec!["client_secret_basic".to_owned()]
}

#[derive(Debug, thiserror::Error)]
pub(super) enum MetadataError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("its metadata is that of another issuer than the configured one")]
    OtherIssuer,
}

impl Metadata {
    /// Of `issuer`, as it says of itself.
    pub(super) async fn fetch(fetcher: &Fetcher, issuer: &str) -> Result<Self, MetadataError> {
        let [openid, oauth] = places(issuer);
        let text = match fetcher.read(&openid).await {
            Ok(text) => text,
            Err(FetchError::Status(_)) => fetcher.read(&oauth).await?,
            Err(error) => return Err(error.into()),
        };
        let metadata: Self = serde_json::from_slice(&text).map_err(|_| FetchError::Unreadable)?;
        if metadata.issuer == issuer { Ok(metadata) } else { Err(MetadataError::OtherIssuer) }
    }
}

fn places(issuer: &str) -> [String; 2] {
    let bare = issuer.trim_end_matches('/');
    let openid = format!("{bare}/.well-known/openid-configuration");
    let oauth = match Url::parse(bare) {
        Ok(mut url) => {
            let path = format!("/.well-known/oauth-authorization-server{}", url.path().trim_end_matches('/'));
            url.set_path(&path);
            url.to_string()
        }
        // Nothing is fetched from what is no URL.
        Err(_) => bare.to_owned(),
    };
    [openid, oauth]
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn the_well_known_path_stands_behind_or_before_that_of_the_issuer() {
        assert_eq!(
            places("https://id.example/realms/x/"),
            [
                "https://id.example/realms/x/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server/realms/x",
            ]
        );
        assert_eq!(
            places("https://id.example")[1],
            "https://id.example/.well-known/oauth-authorization-server"
        );
    }
}
