//! Authorization server metadata (RFC 8414).

use serde_json::{Value, json};

use super::AuthorizationServer;
use crate::auth::Scope;

impl AuthorizationServer {
    /// For `/.well-known/oauth-authorization-server`.
    pub fn metadata(&self) -> Value {
        let issuer = &self.settings.issuer;
        let at = |path: &str| format!("{issuer}{path}");
        let scopes: Vec<&str> = self.settings.offered().iter().map(Scope::word).collect();
        let methods = ["none", "client_secret_basic", "client_secret_post"];
        let mut metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "revocation_endpoint": at("/revoke"),
            "scopes_supported": scopes,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": true,
            "protected_resources": [self.settings.resource],
        });
        if self.settings.registration
            && let Some(fields) = metadata.as_object_mut()
        {
            fields.insert("registration_endpoint".to_owned(), at("/register").into());
        }
        metadata
    }
}
