//! TLS to PostgreSQL by rustls, with libpq's meaning of the sslmode words.
//!
//! `prefer` and `require` encrypt without looking at the certificate (`require` looks if a root certificate is
//! given, as libpq does); `verify-ca` checks the chain, `verify-full` the chain and the host name.

mod kept;
mod verify;

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::conninfo::{RootCertificates, SslMode, TlsSettings};
use crate::pg::{Diagnostic, SqlState};
use crate::secrets::is_open_to_others;
pub(super) use kept::KeptTls;

/// How much of the server's certificate is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verification {
    None,
    Chain,
    ChainAndName,
}

/// Reads the certificate files; slow with the system's roots, so the result is kept.
fn connector(settings: &TlsSettings) -> Result<MakeRustlsConnect, Diagnostic> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(format!("TLS cannot be set up: {error}")))?;
    let builder = match verification(settings) {
        Verification::None => {
            builder.dangerous().with_custom_certificate_verifier(verify::nothing(&provider))
        }
        Verification::Chain => {
            let roots = roots(settings)?;
            builder.dangerous().with_custom_certificate_verifier(verify::chain(&provider, roots))
        }
        Verification::ChainAndName => {
            let roots = Arc::new(roots(settings)?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|error| failed(format!("the root certificates cannot be used: {error}")))?;
            builder.with_webpki_verifier(verifier)
        }
    };
    let config = match &settings.client {
        Some((certificate, key)) => {
            let (certificates, key) = client_certificate(certificate, key)?;
            builder.with_client_auth_cert(certificates, key).map_err(|error| {
                failed(format!("the client certificate and its key cannot be used: {error}"))
            })?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn verification(settings: &TlsSettings) -> Verification {
    match settings.mode {
        SslMode::Disable | SslMode::Prefer => Verification::None,
        SslMode::Require if settings.roots.is_none() => Verification::None,
        SslMode::Require | SslMode::VerifyCa => Verification::Chain,
        SslMode::VerifyFull => Verification::ChainAndName,
    }
}

fn roots(settings: &TlsSettings) -> Result<RootCertStore, Diagnostic> {
    let mut store = RootCertStore::empty();
    match &settings.roots {
        None | Some(RootCertificates::System) => {
            let (_, _) = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(RootCertificates::File(path)) => {
            for certificate in certificates(path, "sslrootcert")? {
                store.add(certificate).map_err(|error| {
                    failed(format!("`{}` holds an unusable root certificate: {error}", path.display()))
                })?;
            }
        }
    }
    if store.is_empty() {
        return Err(failed("there is no root certificate to verify the server with")
            .hint("name a file with `sslrootcert`, or install the system's (package ca-certificates)"));
    }
    Ok(store)
}

fn certificates(path: &Path, parameter: &str) -> Result<Vec<CertificateDer<'static>>, Diagnostic> {
    let unreadable = |error: &dyn std::fmt::Display| {
        failed(format!("certificate file `{}` cannot be read: {error}", path.display()))
            .hint(format!("check `{parameter}`: a PEM file that this user may read"))
    };
    let found = CertificateDer::pem_file_iter(path)
        .map_err(|error| unreadable(&error))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(&error))?;
    if found.is_empty() {
        return Err(unreadable(&"no certificate in it"));
    }
    Ok(found)
}

fn client_certificate(
    certificate: &Path,
    key: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Diagnostic> {
    let certificates = certificates(certificate, "sslcert")?;
    check_key_permissions(key)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| {
        failed(format!("key file `{}` cannot be read: {error}", key.display()))
            .hint("check `sslkey`: a PEM file without a password")
    })?;
    Ok((certificates, key))
}

fn check_key_permissions(key: &Path) -> Result<(), Diagnostic> {
    if is_open_to_others(key) {
        return Err(failed(format!("key file `{}` can be read by others", key.display()))
            .hint(format!("chmod 0600 {}", key.display())));
    }
    Ok(())
}

fn failed(message: impl Into<String>) -> Diagnostic {
    Diagnostic { retryable: false, ..Diagnostic::connection(SqlState::CONNECTION_FAILURE, message) }
}
