//! What all pages stand on: their address, the hosts they answer to, who logs people in, what is shown to them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use super::hosts::Hosts;
use crate::auth::PublicUrl;
use crate::auth::external::Login;
use crate::auth::server::{AuthorizationServer, Sessions};
use crate::gateway::Gateway;
use crate::store::{MasterKey, Vault};

/// Of the key that binds forms to browsers.
const FORMS: &[u8] = b"pgwarden forms 1";
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
    pub gateway: Gateway,
}

pub(super) struct Site {
    /// As browsers write it: `https://db.example.com`, without a slash at the end.
    pub(super) origin: String,
    /// Reached by HTTPS, be it ours or a proxy's.
    pub(super) secure: bool,
    pub(super) hosts: Hosts,
    pub(super) sessions: Sessions,
    pub(super) server: Option<Arc<AuthorizationServer>>,
    pub(super) providers: Vec<Login>,
    pub(super) gateway: Gateway,
    pub(super) vault: Vault,
    forms: Forms,
}

/// What binds forms to browsers that nobody is logged in with.
pub(super) struct Forms(hmac::Key);

impl Site {
    pub(super) fn new(parts: PagesParts) -> Self {
        let PagesParts { public_url, hosts, key, sessions, server, providers, gateway } = parts;
        Self {
            origin: public_url.origin().to_owned(),
            secure: public_url.is_https(),
            hosts: Hosts::new(&hosts, &[], Some(&public_url)),
            sessions,
            server,
            providers,
            gateway,
            vault: Vault::new(&key, LOGINS),
            forms: Forms::new(&key),
        }
    }

    pub(super) fn forms(&self) -> &Forms {
        &self.forms
    }
}

impl Forms {
    fn new(key: &MasterKey) -> Self {
        Self(key.mac_key(FORMS))
    }

    /// For `form` about `object` in the browser that has the cookie `before`.
    pub(super) fn token(&self, before: &str, form: &str, object: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &said(before, form, object)))
    }

    /// In constant time.
    pub(super) fn is_token(&self, before: &str, form: &str, object: &str, presented: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(presented)
            .is_ok_and(|tag| hmac::verify(&self.0, &said(before, form, object), &tag).is_ok())
    }
}

/// No two triples give the same bytes.
fn said(before: &str, form: &str, object: &str) -> Vec<u8> {
    format!("{}:{before}{}:{form}{object}", before.len(), form.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_one_browser_one_form_and_one_object() {
        let forms = Forms::new(&MasterKey::new([7; 32]));
        let token = forms.token("browser", "login", "/account");
        assert!(forms.is_token("browser", "login", "/account", &token));
        for (before, form, object) in [
            ("other", "login", "/account"),
            ("browser", "consent", "/account"),
            ("browser", "login", "/"),
            ("browserlogin", "", "/account"),
        ] {
            assert!(!forms.is_token(before, form, object, &token), "{before} {form} {object}");
        }
        assert!(!Forms::new(&MasterKey::new([8; 32])).is_token("browser", "login", "/account", &token));
        assert!(!forms.is_token("browser", "login", "/account", ""), "none");
    }
}
