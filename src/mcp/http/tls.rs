//! HTTPS with a certificate that can be renewed while the server runs: new connections get the new one, old ones go on.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use zeroize::Zeroizing;

use crate::mcp::{ServeError, TlsFiles};
use crate::telemetry::{Event, Telemetry};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Tls {
    files: TlsFiles,
    current: ArcSwap<ServerConfig>,
}

/// What the files hold; compared by its hash, so that no key lies about.
struct Texts {
    certificates: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Tls {
    pub(super) fn load(files: &TlsFiles) -> Result<Self, ServeError> {
        let texts = Texts::read(files).map_err(ServeError::Tls)?;
        let config = texts.config().map_err(ServeError::Tls)?;
        Ok(Self { files: files.clone(), current: ArcSwap::from_pointee(config) })
    }

    /// None where no handshake came about until `deadline`.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        deadline: Instant,
    ) -> Option<TlsStream<S>> {
        let acceptor = TlsAcceptor::from(self.current.load_full());
        match tokio::time::timeout_at(deadline, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => None,
        }
    }

    /// Takes new files until `stop` fires: when they change, and on SIGHUP. What cannot be used is said once, and the
    /// certificate from before stays.
    pub(super) fn watch(
        self: Arc<Self>,
        telemetry: Telemetry,
        stop: CancellationToken,
    ) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            let mut tried = self.texts().await.map(|texts| texts.hash());
            loop {
                let asked = tokio::select! {
                    () = stop.cancelled() => return,
                    _ = hangup.recv() => true,
                    () = tokio::time::sleep(LOOK) => false,
                };
                let texts = self.texts().await;
                let now = texts.as_ref().map(Texts::hash).map_err(String::clone);
                if !asked && now == tried {
                    continue;
                }
                tried = now;
                let read = texts.and_then(|texts| texts.config());
                telemetry.emit(&Event::Reload { database: "", kind: "certificate", taken: read.is_ok() });
                match read {
                    Ok(config) => {
                        self.current.store(Arc::new(config));
                        info!("TLS certificate read anew");
                    }
                    Err(error) => warn!(error, "TLS certificate not taken; the one before stays"),
                }
            }
        });
        Ok(())
    }

    async fn texts(&self) -> Result<Texts, String> {
        let files = self.files.clone();
        tokio::task::spawn_blocking(move || Texts::read(&files))
            .await
            .unwrap_or_else(|_| Err("reading was interrupted".to_owned()))
    }
}

impl Texts {
    fn read(files: &TlsFiles) -> Result<Self, String> {
        let read = |path: &std::path::Path| {
            std::fs::read(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
        };
        Ok(Self { certificates: read(&files.cert_file)?, key: Zeroizing::new(read(&files.key_file)?) })
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update(&self.certificates)
            .chain_update([0])
            .chain_update(&*self.key)
            .finalize()
            .into()
    }

    fn config(&self) -> Result<ServerConfig, String> {
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.certificates)
            .collect::<Result<_, _>>()
            .map_err(unusable("the certificate file"))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(unusable("the key file"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable("TLS"))?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(unusable("the certificate with its key"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn unusable<E: Display>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what} cannot be used: {error}")
}
