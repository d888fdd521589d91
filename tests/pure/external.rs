//! Tokens of providers besides ourselves, from a real one in this process: what it signs, what others forge.

mod ends;
mod forged;
mod introspection;
pub mod keys;
mod login;
mod network;
pub mod provider;
mod rotation;
mod scopes;

use std::sync::Arc;

use pgwarden::auth::external::{ProviderSettings, Providers};
use pgwarden::auth::{Authenticator, PublicUrl};
use pgwarden::mcp::{Authentication, Settings};

use super::mcp_wire::{Answer, HttpPeer, gateway, initialize};

/// What tokens have to be for.
const RESOURCE: &str = "https://db.example/mcp";
const METADATA: &str = "https://db.example/.well-known/oauth-protected-resource/mcp";

/// A server that takes tokens of these providers.
async fn guarded(providers: Vec<ProviderSettings>) -> HttpPeer {
    let mut settings = Settings::default();
    settings.http.public_url = Some(PublicUrl::parse("https://db.example").unwrap());
    settings.http.issuers = providers.iter().map(ProviderSettings::as_issuer).collect();
    let providers = Arc::new(Providers::new(providers).unwrap());
    HttpPeer::with(gateway(), Authentication::Bearer(Authenticator::new(vec![providers])), settings).await
}

/// What a token opens: 200 or a refusal.
async fn present(peer: &HttpPeer, token: &str) -> Answer {
    peer.post(&[("authorization", &format!("Bearer {token}"))], initialize("2025-11-25")).await
}

/// The same from 127.0.0.`last`.
async fn present_from(peer: &HttpPeer, last: u8, token: &str) -> u16 {
    let headers = [("authorization", format!("Bearer {token}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    peer.post_from([127, 0, 0, last], &headers, initialize("2025-11-25")).await.status
}

fn challenge(answer: &Answer) -> &str {
    answer.headers["www-authenticate"].to_str().unwrap()
}
