//! The operations page of `serve`, where the configuration has one.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::setup::Setup;
use crate::auth::PublicUrl;
use crate::config::OperationsSection;
use crate::gateway::{Live, Recent};
use crate::mcp::{self, Authentication, HttpSettings};
use crate::store::MasterKey;
use crate::web::{OperationsParts, Pages};

/// Before the gateway: it is told what happens.
pub(super) struct OperationsPage {
    section: OperationsSection,
    recent: Arc<Recent>,
}

impl OperationsPage {
    /// Has what happens in `setup` remembered, as far as the configuration asks for it.
    pub(super) fn of(setup: &mut Setup) -> Option<Self> {
        let section = setup.config.operations.clone()?;
        // What may not be recorded of a statement is not shown either.
        let statements = setup.config.audit.as_ref().map(|audit| audit.statements).unwrap_or_default();
        let recent = Arc::new(Recent::new(statements));
        setup.telemetry = setup.telemetry.clone().with_sink(Arc::clone(&recent) as _);
        Some(Self { section, recent })
    }

    /// What happens is remembered there.
    pub(super) fn recent(&self) -> Arc<Recent> {
        Arc::clone(&self.recent)
    }

    /// Serves until `stop` fires; the handle ends soon after.
    pub(super) async fn start(
        self,
        live: &Live,
        authentication: &Authentication,
        stop: &CancellationToken,
    ) -> anyhow::Result<JoinHandle<()>> {
        let Self { section, recent } = self;
        let Authentication::Bearer(authenticator) = authentication else {
            bail!(
                "`[operations]` is for bearers of a token, and there are none\n\
                 hint: make one by `pgwarden token create --scope admin`, and name its file in `[auth] tokens_file`"
            );
        };
        live.now().show_recent(recent);
        let listen = &section.listen;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on `{listen}` for the operations page"))?;
        let address = listener.local_addr()?;
        let settings = HttpSettings {
            public_url: section.public_url.clone(),
            tls: section.tls,
            trusted_proxies: section.trusted_proxies,
            plain_http_from: section.plain_http_from,
            ..HttpSettings::default()
        };
        mcp::may_show_operations(address, &settings)?;
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        let public_url = match section.public_url {
            Some(url) => url,
            None => PublicUrl::parse(&format!("{scheme}://{address}")).map_err(|fault| anyhow!(fault))?,
        };
        info!(%address, "operations page on {public_url}/");
        let key = MasterKey::random().map_err(|error| anyhow!(error.message))?;
        let authenticator = authenticator.clone();
        let parts = OperationsParts { gateway: live.clone(), authenticator, public_url, key };
        let (pages, telemetry) = (Pages::operations(parts), live.telemetry().clone());
        let served = mcp::serve_operations(pages, listener, settings, telemetry, stop.clone());
        Ok(tokio::spawn(async move {
            if let Err(error) = served.await {
                error!(%error, "the operations page is not served");
            }
        }))
    }
}
