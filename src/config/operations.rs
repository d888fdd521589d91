//! `[operations]`: the page for those who operate the server, on an address of its own.

use super::ConfigError;
use super::files::Files;
use super::section::Section;
use super::server::{listen, networks, public_url, tls};
use crate::auth::PublicUrl;
use crate::mcp::{Network, TlsFiles};

/// `[operations]`. Without it there is no such page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperationsSection {
    /// `host:port`, another one than the server's.
    pub listen: String,
    /// Where browsers find it; without, the address that is listened on.
    pub public_url: Option<PublicUrl>,
    pub tls: Option<TlsFiles>,
    /// Who ends TLS in front of it.
    pub trusted_proxies: Vec<Network>,
    /// Where plain HTTP is taken from as from this machine.
    pub plain_http_from: Vec<Network>,
}

pub(super) fn operations(
    mut section: Section<'_>,
    files: Files<'_>,
) -> Result<OperationsSection, ConfigError> {
    let operations = OperationsSection {
        listen: section.needed("listen", listen)?,
        public_url: section.value("public_url", public_url)?,
        trusted_proxies: section.value("trusted_proxies", networks)?.unwrap_or_default(),
        plain_http_from: section.value("plain_http_from", networks)?.unwrap_or_default(),
        tls: section.section("tls")?.map(|inner| tls(inner, files)).transpose()?,
    };
    section.finish()?;
    Ok(operations)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, ConfigError, read};

    fn of(text: &str) -> Result<Config, ConfigError> {
        read(text, Path::new("/etc/pgwarden/pgwarden.toml"), &|_| None)
    }

    #[test]
    fn it_is_off_until_it_is_asked_for_and_every_key_is_read() {
        assert_eq!(of("").unwrap().operations, None);
        let text = "[operations]\nlisten = '0.0.0.0:9465'\npublic_url = 'https://ops.example'\n\
                    trusted_proxies = ['10.0.0.1']\nplain_http_from = ['172.16.0.0/12']\n\
                    [operations.tls]\ncert_file = 'ops.pem'\nkey_file = 'ops.key'";
        let operations = of(text).unwrap().operations.unwrap();
        assert_eq!(operations.listen, "0.0.0.0:9465");
        assert_eq!(operations.public_url.unwrap().origin(), "https://ops.example");
        assert_eq!(operations.tls.unwrap().cert_file, Path::new("/etc/pgwarden/ops.pem"));
        assert_eq!((operations.trusted_proxies.len(), operations.plain_http_from.len()), (1, 1));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, says) in [
            ("[operations]", "`operations` has no `listen`"),
            ("[operations]\nlisten = '9465'", "host and port were expected"),
            ("[operations]\nlisten = 'a:1'\npath = '/x'", "unknown key `path`"),
            ("[operations]\nlisten = 'a:1'\npublic_url = 'http://ops.example'", "is not https"),
        ] {
            let error = of(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
