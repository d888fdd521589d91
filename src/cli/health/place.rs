//! Which server is asked: one on this machine.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};

use anyhow::{Context as _, anyhow, bail};

const READY: &str = "/readyz";

#[derive(PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    pub(super) is_https: bool,
    /// With its port, where that was said.
    pub(super) host: String,
    pub(super) path: String,
}

impl Place {
    pub(super) fn of_url(url: &str) -> anyhow::Result<Self> {
        let (is_https, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) => bail!("`{url}` is no http:// or https:// address"),
        };
        let (host, path) = match rest.split_once('/') {
            Some((host, path)) => (host, format!("/{path}")),
            None => (rest, READY.to_owned()),
        };
        if path.contains(|c: char| !c.is_ascii_graphic()) {
            bail!("`{url}` has a character that an address cannot have");
        }
        let has_port = host.parse::<Ipv6Addr>().is_err() && !host.ends_with(']') && host.contains(':');
        let with_port = match (has_port, is_https) {
            (true, _) => host.to_owned(),
            (false, true) => format!("{host}:443"),
            (false, false) => format!("{host}:80"),
        };
        let found = with_port.to_socket_addrs().with_context(|| format!("`{host}` is no address"))?;
        let address = found
            .into_iter()
            .find(|address| address.ip().is_loopback())
            .ok_or_else(|| anyhow!("`{host}` is not this machine: the health check is for loopback"))?;
        Ok(Self { address, is_https, host: host.to_owned(), path })
    }

    /// By what `serve` listens on: an address of this machine.
    pub(super) fn of_server(listen: &str, is_https: bool) -> anyhow::Result<Self> {
        let mut found = listen.to_socket_addrs().with_context(|| format!("`{listen}` is no address"))?;
        let mut address = found.next().ok_or_else(|| anyhow!("`{listen}` is no address"))?;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        Ok(Self { address, is_https, host: address.to_string(), path: READY.to_owned() })
    }

    /// The host alone.
    pub(super) fn name(&self) -> &str {
        let bare = self.host.parse::<Ipv6Addr>().is_ok() || self.host.ends_with(']');
        let name = match self.host.rsplit_once(':') {
            Some((name, _)) if !bare => name,
            _ => &self.host,
        };
        name.trim_start_matches('[').trim_end_matches(']')
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", if self.is_https { "https" } else { "http" }, self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_asked_by_a_url() {
        let of = |url: &str| Place::of_url(url).unwrap();
        let asked = of("http://127.0.0.1:8432");
        assert_eq!((asked.address.to_string().as_str(), asked.path.as_str()), ("127.0.0.1:8432", "/readyz"));
        assert_eq!(of("http://localhost:1/healthz").path, "/healthz");
        assert_eq!(
            (of("http://[::1]:9").address.to_string().as_str(), of("http://[::1]:9").name()),
            ("[::1]:9", "::1")
        );
        assert_eq!(
            (of("http://127.0.0.1").address.port(), of("https://127.0.0.1").address.port()),
            (80, 443)
        );
        assert!(of("https://localhost:1").is_https && !asked.is_https);
        assert_eq!((of("https://localhost:1").name(), of("http://[::1]").name()), ("localhost", "::1"));
        for url in [
            "ftp://127.0.0.1:1",
            "127.0.0.1:1",
            "http://192.0.2.1:1/",
            "https://192.0.2.1:1/",
            "http://127.0.0.1:x",
            "http://127.0.0.1:1/a b",
        ] {
            Place::of_url(url).unwrap_err();
        }
    }

    #[test]
    fn a_server_is_asked_where_it_listens() {
        let of = |listen: &str| Place::of_server(listen, true).unwrap().to_string();
        assert_eq!(of("0.0.0.0:8432"), "https://127.0.0.1:8432/readyz");
        assert_eq!(of("[::]:1"), "https://[::1]:1/readyz");
        assert_eq!(of("192.0.2.1:1"), "https://192.0.2.1:1/readyz");
        assert_eq!(Place::of_server("127.0.0.1:1", false).unwrap().to_string(), "http://127.0.0.1:1/readyz");
        Place::of_server("127.0.0.1", true).unwrap_err();
    }
}
