//! Redirect URIs: what may be one, and whether one was registered (OAuth 2.1, 2.3 and RFC 8252).

use url::{Host, Url};

const LONGEST: usize = 1_000;
/// Schemes that browsers or systems give a meaning of their own.
const NOT_PRIVATE: [&str; 24] = [
    "about",
    "blob",
    "chrome",
    "chrome-extension",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "livescript",
    "mailto",
    "moz-extension",
    "mocha",
    "resource",
    "sms",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Where a redirect leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Leads {
    /// To a host, by https.
    Web,
    /// To whatever program listens on the person's own machine.
    Loopback,
    /// To whatever program the scheme belongs to.
    Private,
}

/// Whether a client may name `uri` at all.
pub fn is_redirect_uri(uri: &str) -> bool {
    leads(uri).is_some()
}

/// Where `uri` leads; `None`: it must never be redirected to.
pub(super) fn leads(uri: &str) -> Option<Leads> {
    let sane = uri.len() <= LONGEST
        && uri
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>'));
    let url = Url::parse(uri).ok().filter(|_| sane)?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    match url.scheme() {
        "https" => url.host().filter(is_plain).map(|_| Leads::Web),
        "http" => is_loopback(&url).then_some(Leads::Loopback),
        scheme if NOT_PRIVATE.contains(&scheme) || scheme.starts_with("ms-") => None,
        // `com.example.app:/callback`, `cursor://anysphere.cursor-mcp/callback`.
        _ => Some(Leads::Private),
    }
}

/// Of letters, digits, dots and hyphens: no sign that means something in a header of the page that names it.
fn is_plain(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
        }
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Byte for byte, but for the port on loopback: native clients take one that is free.
pub(super) fn is_registered(registered: &str, presented: &str) -> bool {
    if registered == presented {
        return true;
    }
    match (loopback_parts(registered), loopback_parts(presented)) {
        (Some(registered), Some(presented)) => registered == presented,
        _ => false,
    }
}

/// Host and what follows the port, of a URI of loopback by http.
fn loopback_parts(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| rest.starts_with(host))?;
    let after = rest.strip_prefix(host)?;
    let tail = match after.strip_prefix(':') {
        Some(port) => {
            let tail = port.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = port.strip_suffix(tail)?;
            digits.parse::<u16>().ok().filter(|port| *port != 0)?;
            tail
        }
        None => after,
    };
    (tail.is_empty() || tail.starts_with(['/', '?'])).then_some((host, tail))
}

/// What the person is shown of it: the host, or the scheme.
pub(super) fn shown(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(url) => match (url.scheme(), url.host_str()) {
            ("https" | "http", Some(host)) => host.to_owned(),
            (scheme, _) => format!("{scheme}:"),
        },
        Err(_) => String::new(),
    }
}

/// What `form-action` has to name for a form's answer to lead there.
pub(super) fn source(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let scheme = url.scheme();
    if !matches!(scheme, "https" | "http") {
        return Some(format!("{scheme}:"));
    }
    let host = url.host().filter(is_plain)?;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{scheme}://{host}{port}"))
}

/// `uri` with these parameters behind what it has.
pub(super) fn with(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mark = if uri.contains('?') { '&' } else { '?' };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    format!("{uri}{mark}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::{Leads, is_registered, leads, source, with};

    #[test]
    fn only_https_loopback_and_private_schemes_are_led_to() {
        for (uri, where_to) in [
            ("https://chatgpt.com/connector/oauth/abc_123", Leads::Web),
            ("https://claude.ai/api/mcp/auth_callback", Leads::Web),
            ("http://localhost/callback", Leads::Loopback),
            ("http://127.0.0.1:33418/", Leads::Loopback),
            ("http://[::1]:8080/cb?x=1", Leads::Loopback),
            ("com.example.app:/callback", Leads::Private),
            ("cursor://anysphere.cursor-mcp/oauth/callback", Leads::Private),
        ] {
            assert_eq!(leads(uri), Some(where_to), "{uri}");
        }
        for uri in [
            "",
            "callback",
            "//evil.example/cb",
            "http://evil.example/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1.evil.example/",
            "http://user@localhost/cb",
            "https://claude.ai@evil.example/",
            "https://claude.ai/cb#fragment",
            "https://claude.ai/cb#",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "JavaScript:alert(1)",
            "https://evil.example\\@claude.ai/",
            "https://a.example/ b",
            "https://a.example/\n",
            "https://é.example/",
            "vbscript:x",
            "ms-settings:x",
            "https:///",
            "http://10.0.0.1/cb",
            "http://0.0.0.0/cb",
        ] {
            assert_eq!(leads(uri), None, "{uri}");
        }
        // Signs that the page's policy would read as its own.
        for host in [
            "evil.example;sandbox",
            "*",
            "*.example",
            "evil.example,default-src",
            "a'b.example",
            "a_b.example",
        ] {
            let uri = format!("https://{host}/cb");
            assert_eq!((leads(&uri), source(&uri)), (None, None), "{uri}");
        }
        for uri in ["https://a-b.example:8443/cb", "https://xn--9ca.example/cb", "https://[2001:db8::1]/cb"] {
            assert_eq!(leads(uri), Some(Leads::Web), "{uri}");
        }
    }

    #[test]
    fn the_port_is_free_on_loopback_and_nothing_else_is() {
        for (registered, presented) in [
            ("http://localhost/callback", "http://localhost:51234/callback"),
            ("http://localhost:3000/callback", "http://localhost:51234/callback"),
            ("http://127.0.0.1/", "http://127.0.0.1:33418/"),
            ("http://[::1]/cb", "http://[::1]:9/cb"),
            ("https://claude.ai/api/mcp/auth_callback", "https://claude.ai/api/mcp/auth_callback"),
        ] {
            assert!(is_registered(registered, presented), "{registered} {presented}");
        }
        for (registered, presented) in [
            ("http://localhost/callback", "http://127.0.0.1:5/callback"),
            ("http://localhost/callback", "http://localhost:5/callback/"),
            ("http://localhost/callback", "http://localhost:5/callback?x=1"),
            ("http://localhost/callback", "http://localhost.evil.example/callback"),
            ("http://localhost/callback", "http://localhost:5@evil.example/callback"),
            ("http://localhost/callback", "http://localhost:/callback"),
            ("http://localhost/callback", "http://localhost:99999/callback"),
            ("http://localhost/callback", "http://localhost:0/callback"),
            ("http://localhost/callback", "https://localhost:5/callback"),
            ("https://claude.ai/cb", "https://claude.ai:443/cb"),
            ("https://claude.ai/cb", "https://claude.ai/cb/"),
            ("https://claude.ai/cb", "https://claude.ai/CB"),
            ("https://claude.ai/cb", "https://Claude.ai/cb"),
            ("https://chatgpt.com/connector/oauth/a", "https://chatgpt.com/connector/oauth/b"),
        ] {
            assert!(!is_registered(registered, presented), "{registered} {presented}");
        }
    }

    #[test]
    fn parameters_follow_what_the_uri_has() {
        assert_eq!(with("https://a.example/cb", &[("code", "a b&c")]), "https://a.example/cb?code=a+b%26c");
        assert_eq!(
            with("http://localhost:1/?x=1", &[("iss", "https://i")]),
            "http://localhost:1/?x=1&iss=https%3A%2F%2Fi"
        );
        assert_eq!(source("http://localhost:51234/callback").unwrap(), "http://localhost:51234");
        assert_eq!(source("https://A.example:443/cb").unwrap(), "https://a.example");
        assert_eq!(source("https://[2001:db8::1]:8443/cb").unwrap(), "https://[2001:db8::1]:8443");
        assert_eq!(source("com.example:/cb").unwrap(), "com.example:");
    }
}
