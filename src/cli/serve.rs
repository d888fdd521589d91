//! `pgwarden serve`: listens at once; the databases become ready behind it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tracing::{error, info};

use super::arguments::ServeArguments;
use super::front::{self, Front};
use super::observing::Observing;
use super::operations::OperationsPage;
use super::reload::{self, Edge};
use super::setup::{Setup, environment, open_audit};
use super::{control, revoked, shutdown};
use crate::audit::Audit;
use crate::auth::TokenStore;
use crate::config::{AuthMethod, Config, Server, Sessions};
use crate::gateway::{Live, Served};
use crate::mcp::{self, SessionMode};

/// Where HTTP is served unless something else is said.
const LISTEN: &str = "127.0.0.1:8432";
/// A database that takes longer to answer is served as soon as it does: then calls are refused, should its policy
/// not be whole.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let mut setup = Setup::read(&arguments.target, &environment)?;
    let audit = open_audit(&setup.config, arguments.stdio).await?;
    if let Some(audit) = &audit {
        setup.telemetry = setup.telemetry.clone().with_witness(Arc::clone(audit) as _);
    }
    let observing = Observing::of(&mut setup)?;
    let operations = OperationsPage::of(&mut setup);
    let ended = serve(&arguments, &mut setup, (observing, operations), audit.clone()).await;
    setup.close().await;
    if let Some(audit) = audit {
        audit.close().await;
    }
    ended.map(|()| ExitCode::SUCCESS)
}

async fn serve(
    arguments: &ServeArguments,
    setup: &mut Setup,
    (observing, operations): (Observing, Option<OperationsPage>),
    audit: Option<Arc<Audit>>,
) -> anyhow::Result<()> {
    let stop = shutdown::on_signals()?;
    let (gateway, mut settings) = (setup.gateway().await?, settings(&setup.config));
    let caller = setup.caller();
    setup.whole_policies(PATIENCE).await?;
    let mut observed = observing.start(setup, &gateway, &stop).await?;
    let live = Live::from(&gateway);
    let recent = operations.as_ref().map(OperationsPage::recent);
    // What is in the store, `pgwarden approve` and `pgwarden suspend` find there.
    let control = setup
        .config
        .store
        .connection
        .is_none()
        .then(|| control::watch(live.clone(), control::directory(&setup.config.server, &environment)));

    let ended = if arguments.stdio {
        if operations.is_some() {
            tracing::warn!("the operations page is served beside HTTP, and not beside --stdio");
        }
        front::on_stdio(setup, &live, &mut settings, &stop)?;
        let edge = Edge { audit, recent, ..Edge::default() };
        reload::watch(live.clone(), (&arguments.target, setup), edge, stop.clone())?;
        setup.hand_over().iter().for_each(warm_up);
        mcp::serve_stdio(gateway, caller, &settings, stop.clone()).await
    } else {
        let tokens = tokens(arguments, &setup.config)?;
        if let Some(tokens) = &tokens {
            revoked::watch(live.clone(), Arc::clone(tokens), stop.clone());
        }
        let Front { authentication, pages, providers } =
            front::over_http(setup, &live, tokens, &mut settings, &stop).await?;
        if let Some(operations) = operations {
            observed.push(operations.start(&live, &authentication, &stop).await?);
        }
        let listener = listen(arguments, &setup.config).await?;
        let hosts = settings.http.named();
        settings.http.hosts = Some(hosts.clone());
        let edge = Edge { endpoint: Some(hosts), pages: pages.hosts().cloned(), providers, audit, recent };
        reload::watch(live.clone(), (&arguments.target, setup), edge, stop.clone())?;
        setup.hand_over().iter().for_each(warm_up);
        mcp::serve_http(gateway, listener, authentication, pages, &settings, stop.clone()).await
    };
    if let Some(control) = control {
        control.close().await;
    }
    // On stdio it is the client that ends it.
    stop.cancel();
    join_all(observed).await;
    live.close().await;
    Ok(ended?)
}

/// Connects before the first call comes, and puts what is wrong into the log.
fn warm_up(served: &Served) {
    let served = served.clone();
    tokio::spawn(async move {
        let name = served.database.name();
        for (at, identity) in served.identities().into_iter().enumerate() {
            match identity.ready().await {
                Ok(catalog) => {
                    info!(database = name, login = catalog.contents().login, "database `{name}` is ready");
                    if at == 0 {
                        served.warn_of_notes(&catalog);
                        served.warn_of_documents(&catalog);
                    }
                }
                Err(finding) => error!(
                    database = name,
                    role = identity.identity().role(),
                    sqlstate = finding.sqlstate.as_str(),
                    detail = finding.detail,
                    hint = finding.hint,
                    "database `{name}` is not ready, calls are refused: {}",
                    finding.message
                ),
            }
        }
    });
}

/// Where HTTP is served: `given` by a flag, by the environment, or by the configuration.
pub(super) fn address(given: Option<String>, server: &Server) -> String {
    let configured = || environment("PGWARDEN_LISTEN").or_else(|| server.listen.clone());
    given.or_else(configured).unwrap_or_else(|| LISTEN.to_owned())
}

async fn listen(arguments: &ServeArguments, config: &Config) -> anyhow::Result<TcpListener> {
    let address = address(arguments.listen.clone(), &config.server);
    let listener =
        TcpListener::bind(&address).await.with_context(|| format!("cannot listen on `{address}`"))?;
    let address = listener.local_addr()?;
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    info!(%address, "listening on {scheme}://{address}/mcp");
    Ok(listener)
}

fn tokens(arguments: &ServeArguments, config: &Config) -> anyhow::Result<Option<Arc<TokenStore>>> {
    let named = || environment("PGWARDEN_TOKENS_FILE").map(PathBuf::from);
    let configured = || config.auth.tokens_file.clone();
    let Some(file) = arguments.tokens_file.clone().or_else(named).or_else(configured) else {
        if config.auth.methods.contains(&AuthMethod::Tokens) {
            bail!(
                "`[auth] methods` has `tokens`, and no `tokens_file` is named: `pgwarden token create` makes one"
            );
        }
        return Ok(None);
    };
    let store = TokenStore::load(&file)?;
    if store.is_empty() {
        tracing::warn!("there are no tokens in `{}`: nobody can call", file.display());
    }
    Ok(Some(Arc::new(store)))
}

fn settings(config: &Config) -> mcp::Settings {
    let mut settings = mcp::Settings { result_chars: None, ..mcp::Settings::default() };
    settings.http.public_url.clone_from(&config.server.public_url);
    settings.http.tls.clone_from(&config.server.tls);
    settings.http.trusted_proxies.clone_from(&config.server.trusted_proxies);
    settings.http.plain_http_from.clone_from(&config.server.plain_http_from);
    settings.http.allowed_hosts.clone_from(&config.server.allowed_hosts);
    settings.http.allowed_origins.clone_from(&config.server.allowed_origins);
    settings.task_drain = config.tasks.drain.unwrap_or(settings.task_drain);
    settings.investigate = config.investigate.clone();
    settings.http.sessions.mode = match config.server.sessions {
        Sessions::Kept => SessionMode::Kept,
        Sessions::Stateless => SessionMode::Stateless,
    };
    settings
}
