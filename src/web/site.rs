//! Where the pages stand: their address, the hosts they answer to, the key of what they hand out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use url::Url;

use super::hosts::Hosts;
use crate::store::MasterKey;

/// Of the key that binds forms to browsers.
const FORMS: &[u8] = b"pgwarden forms 1";

/// Shared by all pages.
pub(super) struct Site {
    /// As browsers write it: `https://db.example.com`, without a slash at the end.
    pub(super) origin: String,
    /// Reached by HTTPS, be it ours or a proxy's.
    pub(super) secure: bool,
    pub(super) hosts: Hosts,
    forms: hmac::Key,
}

impl Site {
    /// `public_url` has a host; `hosts` are those answered to besides it and loopback's. All replicas have to be given the
    /// same `master`.
    pub(super) fn new(public_url: &Url, hosts: &[String], master: &MasterKey) -> Self {
        let origin = public_url.origin().ascii_serialization();
        let own = origin.split_once("://").map(|(_, host)| host.to_owned());
        let hosts: Vec<String> = hosts.iter().cloned().chain(own).collect();
        Self {
            secure: public_url.scheme() == "https",
            hosts: Hosts::new(&hosts, &[]),
            origin,
            forms: master.mac_key(FORMS),
        }
    }

    /// For `form` about `object` in the browser that has the cookie `before`: it has no session yet.
    pub(super) fn token(&self, before: &str, form: &str, object: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.forms, &said(before, form, object)))
    }

    /// In constant time.
    pub(super) fn is_token(&self, before: &str, form: &str, object: &str, presented: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(presented)
            .is_ok_and(|tag| hmac::verify(&self.forms, &said(before, form, object), &tag).is_ok())
    }
}

/// No two triples give the same bytes: neither a cookie nor the name of a form has a line end in it.
fn said(before: &str, form: &str, object: &str) -> Vec<u8> {
    format!("{}\n{form}\n{object}", before.replace('\n', " ")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_one_browser_one_form_and_one_object() {
        let url = Url::parse("https://db.example.com/").unwrap();
        let site = Site::new(&url, &[], &MasterKey::new([7; 32]));
        assert_eq!((site.origin.as_str(), site.secure), ("https://db.example.com", true));
        let token = site.token("browser", "login", "/account");
        assert!(site.is_token("browser", "login", "/account", &token));
        for (before, form, object) in
            [("other", "login", "/account"), ("browser", "consent", "/account"), ("browser", "login", "/")]
        {
            assert!(!site.is_token(before, form, object, &token), "{before} {form} {object}");
        }
        let other = Site::new(&url, &[], &MasterKey::new([8; 32]));
        assert!(!other.is_token("browser", "login", "/account", &token), "another key");
        assert!(!site.is_token("browser", "login", "/account", ""), "none");
    }
}
