//! MCP over stdin and stdout, one message a line. Malformed lines are answered and survived; the end of stdin cancels
//! what is running. Both pipes are served by plain threads: a blocked read must not hold up the exit.

mod frames;
mod outbox;
mod pipes;
mod reader;
mod transport;

use std::convert::Infallible;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use rmcp::service::{ServerInitializeError, serve_server_with_ct};
use tokio_util::sync::CancellationToken;

pub(super) use self::frames::{Line, Splitter};
use self::transport::StdioTransport;
use super::callers::Callers;
use super::calls::Calls;
use super::handler::Handler;
use super::observed::Observed;
use super::standby::Standby;
use super::{ServeError, Settings};
use crate::auth::Caller;
use crate::gateway::{Gateway, Live};

/// How long a cancelled call may take to say so when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until stdin ends or `shutdown` fires. Nothing else may write to stdout meanwhile.
pub async fn serve_stdio(
    gateway: Gateway,
    caller: Caller,
    settings: &Settings,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    // Not `io::stdout()` itself: it looks for line ends in every write.
    let stdout = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    serve_pipes(gateway, caller, settings, shutdown, (std::io::stdin(), stdout)).await
}

/// [`serve_stdio`] over any two pipes.
pub async fn serve_pipes(
    gateway: Gateway,
    caller: Caller,
    settings: &Settings,
    shutdown: CancellationToken,
    (input, output): (impl Read + Send + 'static, impl Write + Send + 'static),
) -> Result<(), ServeError> {
    let calls = Calls::default();
    let transport = StdioTransport::open(input, output, settings.message_bytes, calls.stop.clone())?;
    let tasks = shutdown.child_token();
    let live = Live::from(gateway);
    let working = tokio::spawn({
        let (live, tasks) = (live.clone(), tasks.clone());
        async move { live.work(tasks, Duration::ZERO).await }
    });
    let standby = Handler::new(live.idle(), Callers::Fixed(caller), calls.clone())
        .with_page(settings.approvals.clone())
        .with_credentials(settings.credentials.clone())
        .investigating(settings.investigate.clone())
        .standing_by(settings.result_chars);
    let service = CancellationToken::new();
    // RACE: calls are cancelled, and have answered, before rmcp's loop is told to end.
    let stopping = async {
        shutdown.cancelled().await;
        calls.stop.cancel();
        calls.running.close();
        let _ = tokio::time::timeout(GRACE, calls.running.wait()).await;
        service.cancel();
        std::future::pending::<Infallible>().await
    };
    let served = tokio::select! {
        served = serve(standby, transport, service.clone()) => served,
        never = stopping => match never {},
    };
    tasks.cancel();
    working.await.map_err(|_| ServeError::Interrupted)?;
    served
}

async fn serve(
    standby: Standby,
    transport: StdioTransport,
    service: CancellationToken,
) -> Result<(), ServeError> {
    match serve_server_with_ct(Observed(standby), transport, service).await {
        Ok(running) => running.waiting().await.map(|_| ()).map_err(|_| ServeError::Interrupted),
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => Ok(()),
        Err(ServerInitializeError::InitializeFailed(error)) => {
            Err(ServeError::Handshake(error.message.into()))
        }
        Err(_) => Err(ServeError::Handshake("the client did not begin with `initialize`".to_owned())),
    }
}
