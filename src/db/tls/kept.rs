//! What was made of the certificate files, until they change.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::{info, warn};

use super::{connector, failed};
use crate::db::conninfo::{RootCertificates, TlsSettings};
use crate::pg::Diagnostic;

/// Files that cannot be used leave what was made before, and a line in the log.
#[derive(Default)]
pub(in crate::db) struct KeptTls(ArcSwapOption<Made>);

struct Made {
    connect: MakeRustlsConnect,
    /// The files when it was made, or when it was tried last.
    seen: Vec<Option<Stamp>>,
}

/// Changes whenever a file is written, or another takes its place.
type Stamp = (u64, u64, u64, i64, i64, i64, i64);

impl KeptTls {
    pub async fn current(&self, settings: &TlsSettings) -> Result<MakeRustlsConnect, Diagnostic> {
        let last = self.0.load_full();
        let seen = stamps(settings);
        if let Some(made) = last.as_ref().filter(|made| made.seen == seen) {
            return Ok(made.connect.clone());
        }
        let asked = settings.clone();
        // The system's roots are some hundred files: not on the runtime's threads.
        let made = tokio::task::spawn_blocking(move || connector(&asked)).await;
        let made = made.unwrap_or_else(|_| Err(failed("TLS cannot be set up")));
        let connect = match (made, last) {
            (Ok(connect), None) => connect,
            (Ok(connect), Some(_)) => {
                info!("certificates for PostgreSQL were read again");
                connect
            }
            (Err(error), Some(last)) => {
                warn!("certificates for PostgreSQL are not taken, the last ones stay: {}", error.message);
                last.connect.clone()
            }
            (Err(error), None) => return Err(error),
        };
        self.0.store(Some(Arc::new(Made { connect: connect.clone(), seen })));
        Ok(connect)
    }
}

fn stamps(settings: &TlsSettings) -> Vec<Option<Stamp>> {
    let roots = match &settings.roots {
        Some(RootCertificates::File(path)) => Some(path),
        Some(RootCertificates::System) | None => None,
    };
    let client = settings.client.iter().flat_map(|(certificate, key)| [certificate, key]);
    roots.into_iter().chain(client).map(|path| stamp(path)).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let of = |file: Metadata| {
        let changed = (file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec());
        (file.dev(), file.ino(), file.size(), changed.0, changed.1, changed.2, changed.3)
    };
    path.metadata().ok().map(of)
}

impl std::fmt::Debug for KeptTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptTls")
    }
}
