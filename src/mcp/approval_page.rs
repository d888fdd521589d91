//! Where people answer what a call asks them: whether something may be written, with which login it runs.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::warn;
use zeroize::Zeroizing;

use super::http::Loopback;
use crate::approvals::{ApprovalId, Codes};
use crate::auth::CredentialId;
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

/// What a person is asked on a page of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Matter {
    Approval(ApprovalId),
    Login(CredentialId),
}

/// How a person gets to the page of one matter. Nothing in the URL is a secret.
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
    pub(super) async fn for_person(&self, matter: Matter) -> Option<Link> {
        let Kind::Loopback { loopback, codes } = &self.0 else { return self.for_anybody(matter) };
        let address =
            loopback.address().await.inspect_err(|error| warn!(%error, "no page on loopback")).ok()?;
        let code = match matter {
            Matter::Approval(id) => codes.give(id),
            Matter::Login(id) => codes.give(id),
        };
        let code = code.inspect_err(|error| warn!("no code: {}", error.message)).ok()??;
        Some(Link { url: format!("http://{address}/{matter}"), code: Some(code) })
    }

    /// For whoever reads an answer: it needs no code.
    pub(super) fn for_anybody(&self, matter: Matter) -> Option<Link> {
        let Kind::Public(origin) = &self.0 else { return None };
        Some(Link { url: format!("{}/{matter}", origin.trim_end_matches('/')), code: None })
    }
}

/// As the path of its page.
impl fmt::Display for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approval(id) => write!(f, "approvals/{id}"),
            Self::Login(id) => write!(f, "credentials/{id}"),
        }
    }
}

impl Matter {
    /// As clients are told of it.
    pub(super) fn id(self) -> String {
        match self {
            Self::Approval(id) => id.to_string(),
            Self::Login(id) => id.to_string(),
        }
    }

    /// Names it among what a client is asked for.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Approval(_) => "approval",
            Self::Login(_) => "login",
        }
    }
}
