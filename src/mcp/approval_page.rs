//! Where people approve what is to be written.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::warn;
use zeroize::Zeroizing;

use super::http::Loopback;
use crate::approvals::{ApprovalId, Codes};
use crate::web::Pages;

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ApprovalPage(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Terminal,
    Public(String),
    Loopback {
        loopback: Loopback,
        codes: Arc<Codes>,
    },
}

/// How a person gets to the page of one approval. Nothing in the URL is a secret.
pub(super) struct Link {
    pub(super) url: String,
    /// What the page asks for. For the person's eyes only: never in an answer to a model.
    pub(super) code: Option<Zeroizing<String>>,
}

impl ApprovalPage {
    /// There is none: people use `pgwarden approve`.
    pub fn terminal() -> Self {
        Self::default()
    }

    /// Pages that people log in to, below `origin` (`https://db.example`).
    pub fn public(origin: impl Into<String>) -> Self {
        Self(Kind::Public(origin.into()))
    }

    /// Pages on 127.0.0.1, opened when they are needed first, that nobody logs in to: they ask for the code that `codes`
    /// gave out, and are told where they are served.
    pub fn loopback(
        pages: impl Fn(SocketAddr) -> Pages + Send + Sync + 'static,
        codes: Arc<Codes>,
        stop: CancellationToken,
    ) -> Self {
        Self(Kind::Loopback { loopback: Loopback::new(pages, stop), codes })
    }

    /// Where people log in to pages.
    pub(super) fn origin(&self) -> Option<&str> {
        match &self.0 {
            Kind::Public(origin) => Some(origin),
            Kind::Terminal | Kind::Loopback { .. } => None,
        }
    }

    /// For a person whom the client shows what we say to them alone. `None`: there is no page, or none that they could use.
    pub(super) async fn for_person(&self, id: ApprovalId) -> Option<Link> {
        let Kind::Loopback { loopback, codes } = &self.0 else { return self.for_anybody(id) };
        let address =
            loopback.address().await.inspect_err(|error| warn!(%error, "no page on loopback")).ok()?;
        let code = codes.give(id).inspect_err(|error| warn!("no code: {}", error.message)).ok()??;
        Some(Link { url: format!("http://{address}/approvals/{id}"), code: Some(code) })
    }

    /// For whoever reads an answer: it needs no code.
    pub(super) fn for_anybody(&self, id: ApprovalId) -> Option<Link> {
        let Kind::Public(origin) = &self.0 else { return None };
        Some(Link { url: format!("{}/approvals/{id}", origin.trim_end_matches('/')), code: None })
    }
}
