//! `[server]`: the HTTP listener.

use std::path::PathBuf;

use toml::de::DeValue;

use super::ConfigError;
use super::file::one_of;
use super::files::Files;
use super::section::{Fault, Section, each, string, strings};
use crate::auth::PublicUrl;
use crate::mcp::{Network, TlsFiles};

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Server {
    /// `host:port`.
    pub listen: Option<String>,
    /// Where clients find it; its host and origin are answered too.
    pub public_url: Option<PublicUrl>,
    pub tls: Option<TlsFiles>,
    /// Who ends TLS in front of it.
    pub trusted_proxies: Vec<Network>,
    /// Where plain HTTP is taken from as from this machine.
    pub plain_http_from: Vec<Network>,
    /// Values of `Host` that are answered, besides the address listened on.
    pub allowed_hosts: Vec<String>,
    /// Values of `Origin` that are answered.
    pub allowed_origins: Vec<String>,
    pub sessions: Sessions,
    /// Where `pgwarden approve` finds a server that keeps approvals in memory.
    pub control_directory: Option<PathBuf>,
}

/// How clients of protocol revisions with sessions are served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sessions {
    /// In memory, resumable.
    #[default]
    Kept,
    /// Each request for itself: any replica answers it.
    Stateless,
}

pub(super) fn server(mut section: Section<'_>, files: Files<'_>) -> Result<Server, ConfigError> {
    let server = Server {
        listen: section.value("listen", listen)?,
        public_url: section.value("public_url", public_url)?,
        trusted_proxies: section.value("trusted_proxies", networks)?.unwrap_or_default(),
        plain_http_from: section.value("plain_http_from", networks)?.unwrap_or_default(),
        allowed_hosts: section.value("allowed_hosts", strings)?.unwrap_or_default(),
        allowed_origins: section.value("allowed_origins", strings)?.unwrap_or_default(),
        sessions: section
            .value("sessions", one_of([("kept", Sessions::Kept), ("stateless", Sessions::Stateless)]))?
            .unwrap_or_default(),
        control_directory: section.value("control_directory", string)?.map(|path| files.folder.join(path)),
        tls: section.section("tls")?.map(|inner| tls(inner, files)).transpose()?,
    };
    section.finish()?;
    Ok(server)
}

pub(super) fn tls(mut section: Section<'_>, files: Files<'_>) -> Result<TlsFiles, ConfigError> {
    let files = TlsFiles {
        cert_file: section.needed("cert_file", |value| files.path(value))?,
        key_file: section.needed("key_file", |value| files.path(value))?,
    };
    section.finish()?;
    Ok(files)
}

pub(super) fn public_url(value: &DeValue<'_>) -> Result<PublicUrl, Fault> {
    let hint = || Some("an origin, as in `https://db.example`".to_owned());
    PublicUrl::parse(&string(value)?).map_err(|fault| Fault::new(fault, hint()))
}

pub(super) fn networks(value: &DeValue<'_>) -> Result<Vec<Network>, Fault> {
    each(value, |text| {
        let hint = || Some("as in `10.0.0.0/8` or `127.0.0.1`".to_owned());
        text.parse().map_err(|fault| Fault::new(format!("has `{text}`, which {fault}"), hint()))
    })
}

pub(super) fn listen(value: &DeValue<'_>) -> Result<String, Fault> {
    let address = string(value)?;
    let port =
        address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    let Some(Ok(_)) = port else {
        let hint = "as in `127.0.0.1:8432`".to_owned();
        return Err(Fault::new(format!("is `{address}`, host and port were expected"), Some(hint)));
    };
    Ok(address)
}
