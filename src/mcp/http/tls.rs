//! HTTPS with a certificate that can be renewed while the server runs: new connections get the new one, old ones go on. One
//! that is about to end is told of.

mod validity;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use chrono::Utc;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
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
use tracing::{debug, error, warn};
use zeroize::Zeroizing;

use self::validity::Validity;

use crate::mcp::{ServeError, TlsFiles};
use crate::telemetry::metrics::series::CERTIFICATE_ENDS;
use crate::telemetry::metrics::{Page, Source};
use crate::telemetry::{Event, Telemetry};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);
/// Files that change are left until they have not changed for so long.
const SETTLE: Duration = Duration::from_millis(250);
/// Files that never settle are read nevertheless.
const MOST_CHANGES: usize = 20;
/// Between two times that a certificate's end is told of, in looks.
const TELL_EVERY: u64 = 24 * 60 * 60;

pub(super) struct Tls {
    files: TlsFiles,
    current: ArcSwap<Certificate>,
    /// Why the files, as they are now, were not taken.
    fault: ArcSwapOption<String>,
}

struct Certificate {
    config: Arc<ServerConfig>,
    /// `None` where it cannot be read: rustls took it all the same.
    validity: Option<Validity>,
}

/// What the files hold; compared by its hash, so that no key lies about.
struct Texts {
    certificates: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Tls {
    pub(super) fn load(files: &TlsFiles) -> Result<Self, ServeError> {
        let texts = Texts::read(files).map_err(ServeError::Tls)?;
        let certificate = texts.certificate().map_err(ServeError::Tls)?;
        let (current, fault) = (ArcSwap::from_pointee(certificate), ArcSwapOption::empty());
        Ok(Self { files: files.clone(), current, fault })
    }

    /// What those who watch over the server are to do something about.
    pub(super) fn trouble(&self) -> Option<String> {
        let now = Utc::now();
        let ends = self.current.load().validity.filter(|validity| validity.is_ending(now)).map(|validity| {
            let word = if validity.has_ended(now) { "ended" } else { "ends" };
            format!("the certificate {word} on {}", validity.ends.format("%Y-%m-%d %H:%M UTC"))
        });
        let fault =
            self.fault.load().as_ref().map(|_| "certificate not taken, the one before stays".to_owned());
        let told: Vec<String> = fault.into_iter().chain(ends).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// None where no handshake came about until `deadline`.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        deadline: Instant,
    ) -> Option<TlsStream<S>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.current.load().config));
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
            let mut looks = 0_u64;
            loop {
                if looks.is_multiple_of(TELL_EVERY) {
                    self.tell_of_end();
                }
                looks += 1;
                let asked = tokio::select! {
                    () = stop.cancelled() => return,
                    _ = hangup.recv() => true,
                    () = tokio::time::sleep(LOOK) => false,
                };
                let texts = self.settled(&tried).await;
                let now = texts.as_ref().map(Texts::hash).map_err(String::clone);
                if !asked && now == tried {
                    continue;
                }
                tried = now;
                self.take(texts, &telemetry);
                self.tell_of_end();
            }
        });
        Ok(())
    }

    /// Whole, and of today; else the one before stays.
    fn take(&self, texts: Result<Texts, String>, telemetry: &Telemetry) {
        let ended = |certificate: &Certificate| {
            let validity = certificate.validity.filter(|validity| validity.has_ended(Utc::now()))?;
            Some(format!("the certificate ended on {}", validity.ends.format("%Y-%m-%d %H:%M UTC")))
        };
        let read = texts.and_then(|texts| texts.certificate());
        let read = read.and_then(|certificate| ended(&certificate).map_or(Ok(certificate), Err));
        let file = self.files.cert_file.display().to_string();
        let fault = read.as_ref().err().map(|error| format!("`{file}`: {error}"));
        telemetry.emit(&Event::Reload {
            database: "",
            kind: "certificate",
            file: &file,
            fault: fault.as_deref(),
        });
        self.fault.store(fault.map(Arc::new));
        if let Ok(certificate) = read {
            self.current.store(Arc::new(certificate));
        }
    }

    fn tell_of_end(&self) {
        let Some(validity) = self.current.load().validity else { return };
        let (now, ends) = (Utc::now(), validity.ends.format("%Y-%m-%d %H:%M UTC"));
        if validity.has_ended(now) {
            error!(%ends, "the TLS certificate ended on {ends}: clients refuse to connect");
        } else if validity.is_ending(now) {
            warn!(%ends, "the TLS certificate ends on {ends}");
        }
    }

    /// What the files hold, once that has not changed for a moment.
    async fn settled(&self, tried: &Result<[u8; 32], String>) -> Result<Texts, String> {
        let hash = |texts: &Result<Texts, String>| texts.as_ref().map(Texts::hash).map_err(String::clone);
        let mut texts = self.texts().await;
        for _ in 0..MOST_CHANGES {
            if hash(&texts) == *tried {
                break;
            }
            tokio::time::sleep(SETTLE).await;
            let again = self.texts().await;
            let is_same = hash(&again) == hash(&texts);
            texts = again;
            if is_same {
                break;
            }
        }
        texts
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

    fn certificate(&self) -> Result<Certificate, String> {
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.certificates)
            .collect::<Result<_, _>>()
            .map_err(unusable("the certificate file"))?;
        let validity = certificates.first().and_then(|certificate| Validity::of(certificate));
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(unusable("the key file"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable("TLS"))?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(unusable("the certificate with its key"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Certificate { config: Arc::new(config), validity })
    }
}

impl Source for Tls {
    fn read(&self) -> BoxFuture<'_, Page> {
        async move {
            let mut page = Page::default();
            if let Some(validity) = self.current.load().validity {
                #[expect(clippy::cast_precision_loss, reason = "nobody counts seconds to 2^53")]
                page.set(&CERTIFICATE_ENDS, &[], validity.ends.timestamp() as f64);
            }
            page
        }
        .boxed()
    }
}

fn unusable<E: Display>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what} cannot be used: {error}")
}
