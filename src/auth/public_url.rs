//! Where clients find this server: the origin that everybody uses, whatever it listens on.

use std::fmt;

use url::{Host, Url};

/// The path of the MCP endpoint.
const ENDPOINT: &str = "/mcp";

/// An origin: `https://db.example`, with `:port` where it is not the scheme's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicUrl {
    origin: String,
    authority: String,
    is_https: bool,
}

impl PublicUrl {
    /// `Err` says what is wrong with `text`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "is no URL")?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err("has more than a scheme, a host and a port");
        }
        if !is_safe(&url) {
            return Err("is not https (http is for loopback only)");
        }
        let host = url.host_str().ok_or("has no host")?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let origin = format!("{}://{authority}", url.scheme());
        Ok(Self { origin, authority, is_https: url.scheme() == "https" })
    }

    /// As browsers say it in `Origin`; also the issuer of an authorization server of our own.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// As clients say it in `Host`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The canonical URI of the protected resource (RFC 8707): what tokens have to be for.
    pub fn resource(&self) -> String {
        format!("{}{ENDPOINT}", self.origin)
    }

    pub fn is_https(&self) -> bool {
        self.is_https
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

/// Nobody between the two ends can read or change what is said to it.
pub(super) fn is_safe(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost",
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::PublicUrl;

    #[test]
    fn it_is_an_origin() {
        let url = PublicUrl::parse("HTTPS://DB.example:443/").unwrap();
        assert_eq!((url.origin(), url.authority()), ("https://db.example", "db.example"));
        assert_eq!(url.resource(), "https://db.example/mcp");
        let url = PublicUrl::parse("http://127.0.0.1:8432").unwrap();
        assert_eq!((url.origin(), url.authority()), ("http://127.0.0.1:8432", "127.0.0.1:8432"));
        assert!(PublicUrl::parse("http://[::1]:1").is_ok() && PublicUrl::parse("http://localhost").is_ok());
        for wrong in [
            "db.example",
            "http://db.example",
            "http://localhost.evil.example",
            "https://db.example/pg",
            "https://db.example/?a",
            "https://db.example/#a",
            "https://user@db.example",
            "ftp://db.example",
            "",
        ] {
            assert!(PublicUrl::parse(wrong).is_err(), "{wrong}");
        }
    }
}
