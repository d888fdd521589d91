//! TLS for what pgwarden asks over HTTPS: who may vouch for the other side. (PostgreSQL's has libpq's rules: `db/tls.rs`.)

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Whose certificates are believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Roots<'p> {
    /// The system's.
    System,
    /// The system's, and those in this PEM file.
    SystemAnd(&'p Path),
    /// Those in this PEM file alone.
    Only(&'p Path),
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("`{}` is no file of certificates in PEM", .0.display())]
    Certificates(PathBuf),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl<'p> Roots<'p> {
    /// The system's, and those of `file` if there is one.
    pub fn system_and(file: Option<&'p Path>) -> Self {
        file.map_or(Self::System, Self::SystemAnd)
    }

    /// Those of `file` alone if there is one, else the system's.
    pub fn only(file: Option<&'p Path>) -> Self {
        file.map_or(Self::System, Self::Only)
    }

    /// Empty where the system has none and no file was named.
    pub fn read(self) -> Result<RootCertStore, OutboundError> {
        let mut roots = RootCertStore::empty();
        if matches!(self, Self::System | Self::SystemAnd(_)) {
            let (_, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if let Self::SystemAnd(file) | Self::Only(file) = self {
            let unusable = || OutboundError::Certificates(file.to_owned());
            let before = roots.len();
            for certificate in CertificateDer::pem_file_iter(file).map_err(|_| unusable())? {
                roots.add(certificate.map_err(|_| unusable())?).map_err(|_| unusable())?;
            }
            if roots.len() == before {
                return Err(unusable());
            }
        }
        Ok(roots)
    }
}

/// A client of TLS 1.2 and 1.3 that shows no certificate of its own.
pub fn client(roots: RootCertStore) -> Result<ClientConfig, OutboundError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roots.pem");
        std::fs::write(&file, "no certificate").unwrap();
        for roots in [Roots::Only(&file), Roots::SystemAnd(&file), Roots::Only(folder.path())] {
            let error = roots.read().unwrap_err().to_string();
            assert!(error.ends_with("is no file of certificates in PEM"), "{error}");
        }
    }

    #[test]
    fn a_file_alone_leaves_the_system_out() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls/authority.crt");
        let alone = Roots::only(Some(&file)).read().unwrap();
        assert_eq!(alone.len(), 1);
        let both = Roots::system_and(Some(&file)).read().unwrap();
        assert_eq!(both.len(), Roots::System.read().unwrap().len() + 1);
        client(alone).unwrap();
    }
}
