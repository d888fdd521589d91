//! The health check over TLS: the server shows a certificate that is known, for the name that clients use.

use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use url::Url;

use super::place::Place;
use crate::config::Server;
use crate::outbound::{self, Roots};

pub(super) fn stream(
    stream: TcpStream,
    place: &Place,
    server: &Server,
    ca: Option<&Path>,
) -> anyhow::Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = name(place, server);
    let name =
        ServerName::try_from(name.clone()).with_context(|| format!("`{name}` is no name of a host"))?;
    let own = server.tls.as_ref().map(|tls| tls.cert_file.as_path());
    let config = client_config(own, ca)?;
    Ok(StreamOwned::new(ClientConnection::new(Arc::new(config), name)?, stream))
}

/// Knows servers by the certificates of `ca` alone, or by the system's and `own`, what the configuration has the server show:
/// it may have signed itself.
pub(in crate::cli) fn client_config(own: Option<&Path>, ca: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let roots = ca.map_or(Roots::system_and(own), Roots::Only).read()?;
    if roots.is_empty() {
        bail!("there are no certificates to know the server's by: name a file by --ca");
    }
    Ok(outbound::client(roots)?)
}

/// The host of `public_url`, which the certificate is for, else the one that is asked.
fn name(place: &Place, server: &Server) -> String {
    let public = server.public_url.as_ref().filter(|public| public.is_https());
    let host = public.and_then(|public| Some(Url::parse(public.origin()).ok()?.host_str()?.to_owned()));
    host.map_or_else(|| place.name().to_owned(), |host| host.trim_matches(['[', ']']).to_owned())
}
