//! Where suspensions are kept: in the store that replicas share, or in the memory of each server of this user.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use nix::unistd::Uid;

use crate::cli::control::{Answer, Question, answer, ask, directory, host_caller, sockets};
use crate::cli::setup::{environment, open_suspensions, shared_store};
use crate::config::Config;
use crate::gateway::{CallLimits, Gateway};
use crate::store::suspensions::Suspensions;
use crate::telemetry::Telemetry;

pub(super) enum Servers {
    Store(Arc<Suspensions>),
    Sockets { directory: PathBuf, sockets: Vec<PathBuf>, owner: Uid },
}

impl Servers {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(shared) = shared_store(config)? {
            return open_suspensions(Some(&shared)).await.map(Self::Store);
        }
        let directory = directory(&config.server, &environment);
        let (sockets, owner) = sockets(&directory, config.server.control_directory.is_some())?;
        Ok(Self::Sockets { directory, sockets, owner })
    }

    /// Of each server. One that does not answer is not passed over: what it serves would go on.
    pub(super) async fn answers(&self, question: &Question) -> anyhow::Result<Vec<Answer>> {
        match self {
            Self::Store(suspensions) => {
                // Nothing is asked of a database here.
                let limits =
                    CallLimits { rows: 0, characters: 0, field_characters: 0, deadline: <_>::default() };
                let gateway = Gateway::new(Vec::new(), limits, Telemetry::default());
                let gateway = gateway.with_suspensions(Arc::clone(suspensions));
                Ok(vec![answer(&gateway, &host_caller(Uid::effective()), question.clone()).await])
            }
            Self::Sockets { directory, sockets, owner } => {
                let (mut answers, mut silent) = (Vec::new(), None);
                for socket in sockets {
                    match ask(socket, *owner, question).await {
                        Ok(answer) => answers.push(answer),
                        // One that was killed has left its socket.
                        Err(error) if is_dead(&error) => {}
                        Err(error) => silent = Some(error),
                    }
                }
                if let Some(error) = silent {
                    return Err(error.context("not every server has heard it"));
                }
                if answers.is_empty() {
                    bail!(
                        "no server is found in `{}`\n\
                         hint: run this as the user that the server runs as, with its --config",
                        directory.display()
                    );
                }
                Ok(answers)
            }
        }
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::Store(_) => "all replicas over this store follow within two seconds".to_owned(),
            Self::Sockets { .. } => "it ends with the server's process: there is no [store]".to_owned(),
        }
    }

    pub(super) async fn close(&self) {
        if let Self::Store(suspensions) = self {
            suspensions.close().await;
        }
    }
}

fn is_dead(error: &anyhow::Error) -> bool {
    let refused = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(refused))
}
