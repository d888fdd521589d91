//! The server's side.

use std::fs::{Permissions, remove_file, rename, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tracing::{debug, info, warn};

use super::directory::{prepare, sockets};
use super::message::serve_one;
use crate::gateway::Live;

/// After a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// Removes it at the end.
struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = remove_file(&self.0);
    }
}

/// The socket of this process.
pub(in crate::cli) struct Control(JoinHandle<()>);

impl Control {
    /// The socket is gone.
    pub(in crate::cli) async fn close(self) {
        self.0.abort();
        let _ = self.0.await;
    }
}

/// Opens the socket in `directory`.
pub(in crate::cli) fn watch(live: Live, directory: PathBuf) -> Control {
    Control(tokio::spawn(async move {
        match open(&directory) {
            Ok((listener, socket)) => {
                info!(socket = %socket.0.display(), "`pgwarden approve` and `pgwarden suspend` reach this server");
                serve(&live, &listener).await;
            }
            Err(fault) => {
                warn!("`pgwarden approve` and `pgwarden suspend` cannot reach this server: {fault:#}");
            }
        }
    }))
}

/// RACE: others cannot connect before its mode is set, since nobody reaches the folder that it is made in.
fn open(directory: &Path) -> anyhow::Result<(UnixListener, Socket)> {
    prepare(directory)?;
    remove_dead(directory)?;
    let closed = tempfile::Builder::new().prefix(".").tempdir_in(directory)?;
    let made = closed.path().join("s");
    let listener =
        UnixListener::bind(&made).with_context(|| format!("cannot listen on `{}`", made.display()))?;
    set_permissions(&made, Permissions::from_mode(0o600))?;
    let path = directory.join(format!("{}.sock", std::process::id()));
    rename(&made, &path)?;
    Ok((listener, Socket(path)))
}

/// What processes left that were killed.
fn remove_dead(directory: &Path) -> anyhow::Result<()> {
    for socket in sockets(directory, false)?.0 {
        let dead = std::os::unix::net::UnixStream::connect(&socket)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
        if dead {
            let _ = remove_file(&socket);
        }
    }
    Ok(())
}

/// One connection after the other: they are of people.
async fn serve(live: &Live, listener: &UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(fault) = serve_one(&live.now(), stream).await {
                    debug!("a control connection ended: {fault:#}");
                }
            }
            Err(error) => {
                warn!(%error, "a control connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
