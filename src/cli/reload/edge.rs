//! What of the front door becomes another while it is open: names that are answered, secrets at providers, how much of
//! statements is recorded. Each holds from the next request on.

use std::sync::Arc;

use crate::audit::Audit;
use crate::auth::external::ProviderSettings;
use crate::config::{Config, ConfigError, ExternalProvider};
use crate::gateway::Recent;
use crate::web::Hosts;

#[derive(Clone, Default)]
pub(in crate::cli) struct Edge {
    /// Of the endpoint, and of the pages: those are of one origin.
    pub(in crate::cli) endpoint: Option<Hosts>,
    pub(in crate::cli) pages: Option<Hosts>,
    /// As they are in use.
    pub(in crate::cli) providers: Vec<ProviderSettings>,
    pub(in crate::cli) audit: Option<Arc<Audit>>,
    /// What the operations page remembers.
    pub(in crate::cli) recent: Option<Arc<Recent>>,
}

/// What the configuration wants it to be, read whole before any of it is taken.
pub(super) struct Turned {
    hosts: Vec<String>,
    origins: Vec<String>,
    providers: Vec<ProviderSettings>,
    statements: Option<crate::audit::Statements>,
}

impl Turned {
    /// Blocks.
    pub(super) fn read(config: &Config) -> Result<Self, ConfigError> {
        let providers = config.auth.external.iter().map(ExternalProvider::with_secrets);
        Ok(Self {
            hosts: config.server.allowed_hosts.clone(),
            origins: config.server.allowed_origins.clone(),
            providers: providers.collect::<Result<_, _>>()?,
            statements: config.audit.as_ref().map(|audit| audit.statements),
        })
    }
}

impl Edge {
    pub(super) fn turn(&self, to: &Turned) {
        if let Some(hosts) = &self.endpoint {
            hosts.replace(&to.hosts, &to.origins);
        }
        if let Some(hosts) = &self.pages {
            hosts.replace(&to.hosts, &[]);
        }
        for provider in &self.providers {
            let now = to.providers.iter().find(|now| now.issuer == provider.issuer);
            now.into_iter().for_each(|now| provider.follow_secrets(now));
        }
        if let (Some(audit), Some(statements)) = (&self.audit, to.statements) {
            audit.record_statements(statements);
        }
        if let (Some(recent), Some(statements)) = (&self.recent, to.statements) {
            recent.show_statements(statements);
        }
    }
}
