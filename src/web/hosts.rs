//! Host and Origin against lists from the settings: a page in a browser on this machine must not reach the port, neither
//! directly nor by a name that it made resolve to it. The two are never compared with each other: an attacker sets both.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Request};

use crate::auth::PublicUrl;

/// Always accepted as `Host`, with any port.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The names that are answered to, in `/mcp` and in the pages. Clones have them in common, also when they become others.
#[derive(Clone, Debug)]
pub struct Hosts(Arc<ArcSwap<Lists>>);

#[derive(Debug)]
struct Lists {
    hosts: Vec<String>,
    origins: Vec<String>,
    public: Option<PublicUrl>,
}

/// What a request has that is not on its list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barred {
    Host,
    Origin,
}

impl Barred {
    pub const fn message(self) -> &'static str {
        match self {
            Self::Host => "this Host is not allowed",
            Self::Origin => "this Origin is not allowed",
        }
    }
}

impl Hosts {
    /// Values of `Host`, besides those of loopback: `host` (any port) or `host:port`. Values of `Origin`:
    /// `scheme://host` with `:port` where it is not the scheme's own.
    /// What `public` has is on both lists.
    pub fn new(hosts: &[String], origins: &[String], public: Option<&PublicUrl>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Lists::new(hosts, origins, public))))
    }

    /// From the next request on these hosts and origins are answered, and no others. What is always answered stays.
    pub fn replace(&self, hosts: &[String], origins: &[String]) {
        let lists = Lists::new(hosts, origins, self.0.load().public.as_ref());
        self.0.store(Arc::new(lists));
    }

    pub fn check<B>(&self, request: &Request<B>) -> Result<(), Barred> {
        self.check_host(request)?;
        let origins = request.headers();
        let listed =
            || only(origins, ORIGIN.as_str()).is_some_and(|origin| self.0.load().origin_allowed(origin));
        if !origins.contains_key(ORIGIN) || listed() { Ok(()) } else { Err(Barred::Origin) }
    }

    /// For what pages of any origin may read.
    pub fn check_host<B>(&self, request: &Request<B>) -> Result<(), Barred> {
        // HTTP lets the request line carry the host too: then both have to be good.
        let lists = self.0.load();
        let in_line =
            request.uri().authority().is_none_or(|authority| lists.host_allowed(authority.as_str()));
        let host = only(request.headers(), HOST.as_str()).is_some_and(|host| lists.host_allowed(host));
        if in_line && host { Ok(()) } else { Err(Barred::Host) }
    }
}

impl Lists {
    fn new(hosts: &[String], origins: &[String], public: Option<&PublicUrl>) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        let (mut hosts, mut origins): (Vec<String>, Vec<String>) = (lower(hosts), lower(origins));
        hosts.extend(LOOPBACK.map(str::to_owned));
        hosts.extend(public.map(|public| public.authority().to_owned()));
        origins.extend(public.map(|public| public.origin().to_owned()));
        Self { hosts, origins, public: public.cloned() }
    }

    fn host_allowed(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        // `Authority` also takes `user@host`.
        let Ok(authority) = host.parse::<Authority>() else { return false };
        if host.contains('@') {
            return false;
        }
        self.hosts.iter().any(|allowed| *allowed == host || *allowed == authority.host())
    }

    fn origin_allowed(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.origins.contains(&origin)
    }
}

/// The header's value, where it is there once.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.to_str().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &[&str], origin: &[&str]) -> bool {
        let hosts = ["db.example.com".to_owned(), "exact.example.com:8443".to_owned()];
        let origins = ["https://app.example.com".to_owned(), "http://localhost:6274".to_owned()];
        let mut request = Request::builder().uri("/mcp");
        for host in host {
            request = request.header(HOST, *host);
        }
        for origin in origin {
            request = request.header(ORIGIN, *origin);
        }
        Hosts::new(&hosts, &origins, None).check(&request.body(()).unwrap()).is_ok()
    }

    #[test]
    fn loopback_names_and_listed_hosts_pass() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:9",
            "[::1]:8080",
            "[::1]",
            "db.example.com",
            "DB.example.com:443",
            "exact.example.com:8443",
        ] {
            assert!(check(&[host], &[]), "{host}");
        }
    }

    #[test]
    fn other_hosts_are_refused() {
        for host in [
            "",
            "evil.com",
            "evil.com:8080",
            "localhost.",
            "localhost.evil.com",
            "user@localhost",
            "localhost@evil.com",
            "127.0.0.1.nip.io",
            "127.0.0.2",
            "0.0.0.0",
            "::1",
            "[::ffff:127.0.0.1]",
            "null",
            "exact.example.com",
            "exact.example.com:1",
            "sub.db.example.com",
            "db.example.com.",
            "local host",
            "2130706433",
        ] {
            assert!(!check(&[host], &[]), "{host}");
        }
        assert!(!check(&[], &[]), "no Host");
        assert!(!check(&["localhost", "evil.com"], &[]), "two of them");
        assert!(!check(&["localhost", "localhost"], &[]), "two of them");
    }

    #[test]
    fn lists_that_are_replaced_hold_from_the_next_request_on() {
        let public = PublicUrl::parse("https://db.example").unwrap();
        let hosts = Hosts::new(&["old.example".to_owned()], &[], Some(&public));
        let request = |host: &str, origin: &str| {
            Request::builder().uri("/mcp").header(HOST, host).header(ORIGIN, origin).body(()).unwrap()
        };
        let passes = |host: &str, origin: &str| hosts.check(&request(host, origin)).is_ok();
        assert!(passes("old.example", "https://db.example") && !passes("new.example", "https://db.example"));
        hosts.clone().replace(&["new.example".to_owned()], &["https://app.example".to_owned()]);
        assert!(passes("new.example", "https://app.example") && passes("db.example", "https://db.example"));
        assert!(!passes("old.example", "https://db.example"));
    }

    #[test]
    fn origins_pass_only_where_listed() {
        assert!(check(&["localhost"], &["https://app.example.com"]));
        assert!(check(&["localhost"], &["HTTPS://APP.example.com"]));
        assert!(check(&["localhost"], &["http://localhost:6274"]));
        for origin in [
            "null",
            "",
            "http://localhost",
            "http://localhost:8080",
            "http://app.example.com",
            "https://evil.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.com",
            "https://app.example.com/",
            "https://user@app.example.com",
            "https://app.example.com.",
        ] {
            assert!(!check(&["localhost"], &[origin]), "{origin}");
        }
        assert!(!check(&["localhost"], &["https://app.example.com", "https://evil.com"]));
    }

    #[test]
    fn the_public_url_s_host_and_origin_pass() {
        let public = PublicUrl::parse("https://db.example:8443").unwrap();
        let hosts = Hosts::new(&[], &[], Some(&public));
        let from = |host: &str, origin: &str| {
            let request = Request::builder().uri("/mcp").header(HOST, host).header(ORIGIN, origin);
            hosts.check(&request.body(()).unwrap()).is_ok()
        };
        assert!(from("db.example:8443", "https://db.example:8443"));
        assert!(!from("db.example", "https://db.example:8443") && !from("localhost", "https://db.example"));
    }

    #[test]
    fn the_same_evil_name_in_both_is_refused() {
        assert!(!check(&["evil.com:8080"], &["http://evil.com:8080"]));
        assert!(!check(&["localhost:8080"], &["http://localhost:8080"]));
    }

    #[test]
    fn the_host_of_an_absolute_request_line_counts_as_well() {
        let hosts = Hosts::new(&[], &[], None);
        let to = |uri: &str| Request::builder().uri(uri).header(HOST, "localhost").body(()).unwrap();
        assert!(hosts.check(&to("http://localhost/mcp")).is_ok());
        assert!(hosts.check(&to("http://evil.com/mcp")).is_err());
    }
}
