//! Which client it is that speaks to the token endpoint: `none`, `client_secret_basic`, `client_secret_post`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::parameters::Parameters;
use super::{AuthorizationServer, TokenError};
use crate::auth::server::client::Client;

/// A client's id, and that it is proved by it: of a client known by its document nothing more is needed, since it is
/// public, and its grants name it.
pub(super) struct Authenticated {
    pub(super) client_id: String,
}

impl AuthorizationServer {
    pub(super) async fn authenticate(
        &self,
        form: &Parameters<'_>,
        authorization: Option<&str>,
    ) -> Result<Authenticated, TokenError> {
        let posted = form.value("client_id");
        let secret = form.value("client_secret");
        let Some(header) = authorization else {
            let id = posted.ok_or(TokenError::client(false))?;
            return self.proved(id, secret, false).await;
        };
        let (id, password) = basic(header).ok_or(TokenError::client(true))?;
        if secret.is_some() || posted.is_some_and(|posted| posted != id.as_str()) {
            let words = "the client proves itself in two ways, or as two clients";
            return Err(TokenError::new("invalid_request", words));
        }
        let password = (!password.is_empty()).then_some(password.as_str());
        self.proved(&id, password, true).await
    }

    async fn proved(&self, id: &str, secret: Option<&str>, basic: bool) -> Result<Authenticated, TokenError> {
        let known = self.clients.known(id).await?;
        let is_proved = match &known {
            Some(client) => Client::is_proved_by(client, secret),
            None => secret.is_none() && self.clients.document_url(id).is_ok(),
        };
        if !is_proved {
            return Err(TokenError::client(basic));
        }
        Ok(Authenticated { client_id: id.to_owned() })
    }
}

/// Id and secret, each form-encoded before they were joined (RFC 6749, 2.3.1).
fn basic(header: &str) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(credentials.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((decode(id)?, decode(secret)?))
}

fn decode(text: &str) -> Option<Zeroizing<String>> {
    // One pair whose name is the text: neither `=` nor `&` stand in what was encoded.
    if text.contains(['=', '&']) {
        return None;
    }
    let pair = url::form_urlencoded::parse(text.as_bytes()).next();
    Some(Zeroizing::new(pair.map(|(name, _)| name.into_owned()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::basic;

    #[test]
    fn basic_credentials_are_decoded_twice() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let read = |text: &str| basic(&header(text)).map(|(id, secret)| (id.to_string(), secret.to_string()));
        assert_eq!(read("app:s%2Bcret+x"), Some(("app".to_owned(), "s+cret x".to_owned())));
        assert_eq!(read("app:"), Some(("app".to_owned(), String::new())));
        for wrong in ["Bearer abc", "Basic", "Basic ***", &header("no colon"), &header("a=b:c")] {
            assert!(basic(wrong).is_none(), "{wrong}");
        }
    }
}
