//! The token endpoint (OAuth 2.1, 3.2): what comes in, what goes out.

use serde_json::{Value, json};

use super::parameters::{FAULTY, Parameters};
use super::{AuthorizationServer, Opaque, TokenError};
use crate::auth::Scopes;

/// A POST of a form.
#[derive(Clone)]
pub struct TokenRequest<'a> {
    /// Of the form alone, never of the query.
    pub form: &'a [(String, String)],
    /// The header, where there is one.
    pub authorization: Option<&'a str>,
}

/// Debug shows none of the tokens.
#[derive(Debug)]
pub struct TokenAnswer {
    pub access: Opaque,
    pub refresh: Opaque,
    /// Seconds that the access token is good for.
    pub expires_in: i64,
    pub scopes: Scopes,
}

impl TokenAnswer {
    /// The body; send it with `Cache-Control: no-store`.
    pub fn body(&self) -> Value {
        json!({
            "access_token": self.access.reveal(),
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "refresh_token": self.refresh.reveal(),
            "scope": self.scopes.to_string(),
        })
    }
}

impl TokenError {
    /// The body; send it with `Cache-Control: no-store`.
    pub fn body(&self) -> Value {
        json!({ "error": self.error, "error_description": self.description })
    }
}

impl AuthorizationServer {
    pub async fn token(&self, request: TokenRequest<'_>) -> Result<TokenAnswer, TokenError> {
        let form = Parameters::read(request.form).ok_or(TokenError::new("invalid_request", FAULTY))?;
        let client = self.authenticate(&form, request.authorization).await?;
        if form.value("resource").is_some_and(|resource| !self.is_ours(resource)) {
            return Err(TokenError::new("invalid_target", "resource must be the URI of this server's /mcp"));
        }
        match form.value("grant_type") {
            Some("authorization_code") => self.exchange(&client, &form).await,
            Some("refresh_token") => self.refresh(&client, &form).await,
            Some(_) => {
                let known = "grant_type must be authorization_code or refresh_token";
                Err(TokenError::new("unsupported_grant_type", known))
            }
            None => Err(TokenError::new("invalid_request", "there is no grant_type")),
        }
    }
}
