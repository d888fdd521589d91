//! `pgwarden demo`: a throwaway PostgreSQL with the sample shop, a login that can only read, and MCP in front of it.

mod advice;
mod progress;
mod sample;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::net::TcpListener;

use super::arguments::DemoArguments;
use super::shutdown;
use crate::auth::Caller;
use crate::config::Limits;
use crate::db::{ConnectionSettings, Database, DatabaseSettings, demo};
use crate::embedded::{Server, Settings};
use crate::gateway::{CallLimits, Gateway, SavedQueries, SavedSource, Served};
use crate::mcp::{self, Authentication};
use crate::policy::Policy;
use crate::telemetry::Telemetry;
use crate::web::Pages;
use progress::Progress;

/// Everything that runs once the demo has started.
struct Started {
    server: Server,
    /// Of the login that can only read.
    url: String,
    database: Arc<Database>,
    gateway: Gateway,
}

pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    let stop = shutdown::on_signals()?;
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .with_context(|| format!("cannot listen on `{}`", arguments.listen))?;
    // Dropping a start half-way is safe: the server's watchdog clears up after this process.
    let started = tokio::select! {
        started = start(arguments.corner) => started?,
        () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
    };

    println!("{}", advice::text(listener.local_addr()?, &started.url)?);
    let caller = Authentication::Open(Caller::local("demo"));
    let ended =
        mcp::serve_http(started.gateway, listener, caller, Pages::default(), &mcp::Settings::default(), stop)
            .await;
    eprintln!("stopping PostgreSQL and removing its folder");
    started.database.close().await;
    tokio::task::spawn_blocking(move || started.server.stop()).await?;
    ended?;
    Ok(ExitCode::SUCCESS)
}

async fn start(corner: bool) -> anyhow::Result<Started> {
    let mut progress = Progress::new(3);
    let server = start_server(&mut progress).await?;
    let url = load(&server, &mut progress, corner).await?;
    progress.step("looking at it as the login that can only read");
    let (gateway, database) = gateway(&url)?;
    gateway.ready().await?;
    progress.done();
    Ok(Started { server, url, database, gateway })
}

async fn start_server(progress: &mut Progress) -> anyhow::Result<Server> {
    progress.step("starting a throwaway PostgreSQL");
    let started = tokio::task::spawn_blocking(|| Server::start(Settings::default())).await?;
    let server = started.map_err(|error| match error.hint() {
        Some(hint) => anyhow!("{error}\nhint: {hint}"),
        None => anyhow!(error),
    })?;
    let version = server.binaries().version();
    progress.note(&format!("version {}.{}", version.major, version.minor));
    Ok(server)
}

/// Loads the sample and gives the URL of the login that reads it.
async fn load(server: &Server, progress: &mut Progress, corner: bool) -> anyhow::Result<String> {
    let connect = |database: &str, user: &str| {
        ConnectionSettings::parse(&server.url(database, user), &|_| None).map_err(|error| anyhow!(error))
    };
    progress.step("loading the sample shop");
    demo::load(&connect("postgres", server.superuser())?, sample::CREATE_DATABASE).await?;
    let superuser = connect(sample::DATABASE, server.superuser())?;
    for (at, (name, script)) in sample::SHOP.iter().enumerate() {
        progress.part(at + 1, sample::SHOP.len());
        demo::load(&superuser, script).await.with_context(|| format!("`{name}` does not load"))?;
    }
    demo::load(&superuser, &sample::login(corner)?).await.context("the login cannot be made")?;
    progress.note(&format!("database `{}`, login `{}`", sample::DATABASE, sample::LOGIN));
    Ok(server.url(sample::DATABASE, sample::LOGIN))
}

fn gateway(url: &str) -> anyhow::Result<(Gateway, Arc<Database>)> {
    let connection = ConnectionSettings::parse(url, &|_| None).map_err(|error| anyhow!(error))?;
    let database = Database::new(DatabaseSettings::new(sample::DATABASE, connection));
    let saved = SavedQueries::parse(sample::QUERIES, "demo.queries.toml", mcp::is_built_in)?;
    let served = Served::new(Arc::clone(&database), Policy::builtin()).with_saved(SavedSource::fixed(saved));
    let Limits { rows, characters, field_characters, seconds } = Limits::default();
    let limits = CallLimits { rows, characters, field_characters, deadline: Duration::from_secs(seconds) };
    Ok((Gateway::new(vec![served], limits, Telemetry::default()), database))
}
