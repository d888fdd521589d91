//! By which way a request came: over TLS, from a trusted proxy that had it over TLS, or from where plain HTTP is taken.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tracing::warn;

use super::network::Network;
use super::refusal::Refusal;
use crate::auth::ClientAddress;
use crate::mcp::HttpSettings;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Asked by whoever watches over the process, past the proxy. They tell nothing.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];

pub(super) struct Arrivals {
    over_tls: bool,
    proxies: Vec<Network>,
    plain: Vec<Network>,
}

impl Arrivals {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self {
            over_tls: settings.tls.is_some(),
            proxies: settings.trusted_proxies.clone(),
            plain: settings.plain_http_from.clone(),
        }
    }

    /// Whose request it is that `peer` sent. What a header says of it counts only where a trusted proxy wrote it.
    pub(super) fn client<B>(&self, peer: IpAddr, request: &Request<B>) -> Result<ClientAddress, Refusal> {
        let peer = peer.to_canonical();
        if self.is_proxy(peer) {
            let is_health = HEALTH.contains(&request.uri().path());
            if !self.over_tls && !is_health && !is_https(request.headers()) {
                return Err(Refusal::forbidden("only https is served: this came to the proxy without"));
            }
            let behind = self.behind(peer, request.headers()).ok_or_else(|| {
                warn!(proxy = %peer, "refused: an address in the X-Forwarded-For of a trusted proxy cannot be read");
                Refusal::unreadable_forward()
            })?;
            return Ok(ClientAddress(behind));
        }
        // Nobody but this machine can reach a loopback port: without a proxy, plain HTTP is as good there.
        let plain_is_fine = self.plain.iter().any(|network| network.contains(peer))
            || (self.proxies.is_empty() && peer.is_loopback())
            || HEALTH.contains(&request.uri().path());
        if self.over_tls || plain_is_fine {
            return Ok(ClientAddress(peer));
        }
        Err(Refusal::forbidden("only https is served: come by the proxy"))
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(address))
    }

    /// The last address that is none of the proxies: those before it the client may have made up. `None`: one that counts
    /// cannot be read, and everybody would be the proxy's address.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let lines: Vec<&HeaderValue> = headers.get_all(FORWARDED_FOR).iter().collect();
        let mut client = peer;
        for line in lines.into_iter().rev() {
            for entry in line.to_str().ok()?.rsplit(',') {
                client = address(entry.trim())?.to_canonical();
                if !self.is_proxy(client) {
                    return Some(client);
                }
            }
        }
        Some(client)
    }
}

/// An address, with its port or without: `203.0.113.5:4711`, `[2001:db8::1]:4711`, `[2001:db8::1]`.
fn address(entry: &str) -> Option<IpAddr> {
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let with_port = || entry.parse::<SocketAddr>().ok();
    let plain = entry.parse().ok();
    plain.or_else(|| with_port().map(|socket| socket.ip())).or_else(|| in_brackets().map(IpAddr::V6))
}

/// Said by every proxy on the way.
fn is_https(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(FORWARDED_PROTO).iter();
    let Some(Ok(said)) = lines.next().map(http::HeaderValue::to_str) else { return false };
    lines.next().is_none() && said.split(',').all(|word| word.trim().eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(over_tls: bool, proxies: &[&str], plain: &[&str]) -> Arrivals {
        let networks = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        Arrivals { over_tls, proxies: networks(proxies), plain: networks(plain) }
    }

    /// The client's address, or none where the request is refused.
    fn client(arrivals: &Arrivals, peer: &str, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = Request::builder().uri("/mcp");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let came = arrivals.client(peer.parse().unwrap(), &request.body(()).unwrap());
        came.ok().map(|ClientAddress(address)| address.to_string())
    }

    #[test]
    fn past_the_proxy_nobody_comes() {
        let behind = arrivals(false, &["10.0.0.0/8"], &[]);
        let https = ("x-forwarded-proto", "https");
        assert_eq!(client(&behind, "10.1.1.1", &[https]).as_deref(), Some("10.1.1.1"));
        assert_eq!(client(&behind, "::ffff:10.1.1.1", &[https]).as_deref(), Some("10.1.1.1"));
        assert_eq!(client(&behind, "10.1.1.1", &[]), None, "not said to be https");
        for said in ["http", "https, http", "", "wss", "httpsx"] {
            assert_eq!(client(&behind, "10.1.1.1", &[("x-forwarded-proto", said)]), None, "{said}");
        }
        assert_eq!(client(&behind, "10.1.1.1", &[https, ("x-forwarded-proto", "http")]), None, "said twice");
        for peer in ["192.0.2.1", "127.0.0.1", "::1"] {
            assert_eq!(client(&behind, peer, &[https]), None, "{peer}");
        }
    }

    #[test]
    fn the_address_behind_is_believed_of_proxies_only() {
        let behind = arrivals(false, &["10.0.0.0/8", "192.0.2.7"], &["198.51.100.0/24"]);
        let told = |peer: &str, forwarded: &str| {
            let headers = [("x-forwarded-proto", "https"), ("x-forwarded-for", forwarded)];
            client(&behind, peer, &headers)
        };
        let from = |peer: &str, forwarded: &str| told(peer, forwarded).unwrap();
        assert_eq!(from("10.1.1.1", "203.0.113.5"), "203.0.113.5");
        assert_eq!(from("10.1.1.1", "6.6.6.6, 203.0.113.5, 192.0.2.7"), "203.0.113.5");
        for entry in ["203.0.113.5:4711", "unknown, 203.0.113.5", "[::ffff:203.0.113.5]:80"] {
            assert_eq!(from("10.1.1.1", entry), "203.0.113.5", "{entry}");
        }
        for entry in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711"] {
            assert_eq!(from("10.1.1.1", entry), "2001:db8::1", "{entry}");
        }
        for entry in
            ["6.6.6.6, unknown", "6.6.6.6, unknown, 192.0.2.7", "", "6.6.6.6,", "a:b", "203.0.113.5:x"]
        {
            assert_eq!(told("10.1.1.1", entry), None, "{entry:?} makes everybody one address");
        }
        assert_eq!(from("10.1.1.1", "10.2.2.2"), "10.2.2.2");
        assert_eq!(from("198.51.100.1", "203.0.113.5"), "198.51.100.1", "not a proxy");
    }

    #[test]
    fn without_a_proxy_loopback_and_tls_are_served() {
        let bare = arrivals(false, &[], &[]);
        assert!(client(&bare, "127.0.0.1", &[]).is_some() && client(&bare, "::1", &[]).is_some());
        assert!(client(&bare, "192.0.2.1", &[("x-forwarded-proto", "https")]).is_none());
        let own = arrivals(true, &[], &[]);
        assert!(client(&own, "192.0.2.1", &[]).is_some());
        let published = arrivals(false, &[], &["172.16.0.0/12"]);
        assert!(client(&published, "172.17.0.1", &[]).is_some());
        assert!(client(&published, "192.0.2.1", &[]).is_none());
    }
}
