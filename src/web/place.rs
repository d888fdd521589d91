//! Where pages are served: their address, the hosts they answer to, and what binds forms to browsers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use super::fault::Fault;
use super::hosts::Hosts;
use crate::auth::PublicUrl;
use crate::store::MasterKey;

/// Of the key that binds forms to browsers.
const FORMS: &[u8] = b"pgwarden forms 1";

pub(super) struct Place {
    /// As browsers write it: `https://db.example`, without a slash at the end.
    pub(super) origin: String,
    /// Reached by HTTPS, be it ours or a proxy's.
    pub(super) secure: bool,
    /// As browsers write it in `Host`.
    authority: String,
    pub(super) hosts: Hosts,
    forms: hmac::Key,
}

impl Place {
    /// `hosts` are answered besides the public one and those of loopback. All replicas have to be given the same `key`.
    pub(super) fn new(public_url: &PublicUrl, hosts: &[String], key: &MasterKey) -> Self {
        Self {
            origin: public_url.origin().to_owned(),
            secure: public_url.is_https(),
            authority: public_url.authority().to_owned(),
            hosts: Hosts::new(hosts, &[], Some(public_url)),
            forms: key.mac_key(FORMS),
        }
    }

    /// Whether `host`, of a request, is its own and not another name of the same machine.
    pub(super) fn is_at(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(&self.authority)
    }

    /// For `form` about `object` in the browser that has the cookie `before`: nobody is logged in with it.
    pub(super) fn token(&self, before: &str, form: &str, object: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.forms, &said(before, form, object)))
    }

    /// In constant time. Without a cookie there is no such token.
    pub(super) fn is_token(&self, before: Option<&str>, form: &str, object: &str, presented: &str) -> bool {
        before.filter(|before| !before.is_empty()).is_some_and(|before| {
            let tag = URL_SAFE_NO_PAD.decode(presented);
            tag.is_ok_and(|tag| hmac::verify(&self.forms, &said(before, form, object), &tag).is_ok())
        })
    }
}

/// 256 bits that nobody can guess.
pub(super) fn random() -> Result<String, Fault> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| Fault::unavailable())?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// No two triples give the same bytes.
fn said(before: &str, form: &str, object: &str) -> Vec<u8> {
    format!("{}:{before}{}:{form}{object}", before.len(), form.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(key: u8) -> Place {
        let url = PublicUrl::parse("https://db.example").unwrap();
        Place::new(&url, &[], &MasterKey::new([key; 32]))
    }

    #[test]
    fn a_token_is_for_one_browser_one_form_and_one_object() {
        let token = place(7).token("browser", "login", "/account");
        assert!(place(7).is_token(Some("browser"), "login", "/account", &token));
        for (before, form, object) in [
            (Some("other"), "login", "/account"),
            (Some("browser"), "consent", "/account"),
            (Some("browser"), "login", "/"),
            (Some("browserlogin"), "", "/account"),
            (None, "login", "/account"),
        ] {
            assert!(!place(7).is_token(before, form, object, &token), "{before:?} {form} {object}");
        }
        assert!(!place(8).is_token(Some("browser"), "login", "/account", &token));
        assert!(!place(7).is_token(Some("browser"), "login", "/account", ""));
        assert!(!place(7).is_token(Some(""), "login", "/account", &place(7).token("", "login", "/account")));
    }
}
