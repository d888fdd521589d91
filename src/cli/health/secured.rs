//! The health check over TLS: the server shows a certificate that is known, for the name that clients use.

use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use url::Url;

use super::place::Place;
use crate::config::Server;

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

/// Knows servers by [`roots`].
pub(in crate::cli) fn client_config(own: Option<&Path>, ca: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(own, ca)?)
        .with_no_client_auth())
}

/// The host of `public_url`, which the certificate is for, else the one that is asked.
fn name(place: &Place, server: &Server) -> String {
    let public = server.public_url.as_ref().filter(|public| public.is_https());
    let host = public.and_then(|public| Some(Url::parse(public.origin()).ok()?.host_str()?.to_owned()));
    host.map_or_else(|| place.name().to_owned(), |host| host.trim_matches(['[', ']']).to_owned())
}

/// Those of `ca` alone, or the system's and `own`, what the configuration has the server show: it may have signed itself.
fn roots(own: Option<&Path>, ca: Option<&Path>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if ca.is_none() {
        let (_, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(path) = ca.or(own) {
        let unreadable = || format!("`{}` is no file of certificates in PEM", path.display());
        for certificate in CertificateDer::pem_file_iter(path).with_context(unreadable)? {
            roots.add(certificate.with_context(unreadable)?).with_context(unreadable)?;
        }
    }
    if roots.is_empty() {
        bail!("there are no certificates to know the server's by: name a file by --ca");
    }
    Ok(roots)
}
