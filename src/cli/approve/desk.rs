//! Where the approvals are that a person of the host decides: in the store that replicas share, or in the memory of the
//! servers of this user.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use nix::unistd::Uid;

use super::shown;
use crate::approvals::{ApprovalId, PostgresApprovals};
use crate::auth::Caller;
use crate::cli::control::{Answer, Question, answer, ask, directory, host_caller, sockets};
use crate::cli::setup::{environment, open_approvals, shared_store};
use crate::config::Config;
use crate::gateway::{ApprovalView, CallLimits, Gateway};
use crate::telemetry::Telemetry;

pub(super) enum Desk {
    Store { gateway: Gateway, store: Arc<PostgresApprovals>, viewer: Caller },
    Servers { directory: PathBuf, sockets: Vec<PathBuf>, owner: Uid },
}

impl Desk {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let Some(shared) = shared_store(config)? else {
            let directory = directory(&config.server, &environment);
            let (sockets, owner) = sockets(&directory, config.server.control_directory.is_some())?;
            return Ok(Self::Servers { directory, sockets, owner });
        };
        let store = open_approvals(&shared).await?;
        // Nothing is asked of a database here.
        let limits = CallLimits { rows: 0, characters: 0, field_characters: 0, deadline: Duration::ZERO };
        let gateway = Gateway::new(Vec::new(), limits, Telemetry::default());
        let gateway = gateway.with_approvals(Arc::clone(&store) as _);
        Ok(Self::Store { gateway, store, viewer: host_caller(Uid::effective()) })
    }

    pub(super) async fn list(&self) -> anyhow::Result<Vec<ApprovalView>> {
        let mut open = Vec::new();
        for answer in self.answers(|| Question::List).await? {
            match answer {
                Answer::List(approvals) => open.extend(approvals),
                Answer::Failed(error) => return Err(shown::failure(&error)),
                Answer::Shown(_) | Answer::Decided(_) | Answer::TooLate(_) => {}
            }
        }
        open.sort_by_key(|approval| approval.created);
        Ok(open)
    }

    /// From here on only the server that has shown it is asked.
    pub(super) async fn find(&mut self, id: ApprovalId) -> anyhow::Result<Option<ApprovalView>> {
        if let Self::Servers { sockets, owner, .. } = self {
            let mut showing = Vec::new();
            for socket in sockets.iter() {
                let answered = ask(socket, *owner, &Question::Show { id }).await;
                if matches!(answered, Ok(Answer::Shown(Some(_)) | Answer::Failed(_))) {
                    showing.push(socket.clone());
                }
            }
            if let [one] = showing.as_slice() {
                *sockets = vec![one.clone()];
            } else if showing.len() > 1 {
                bail!("several servers say that the approval is theirs: nothing is decided");
            }
        }
        match self.ask(Question::Show { id }).await? {
            Answer::Shown(found) => Ok(found.map(|found| *found)),
            Answer::Failed(error) => Err(shown::failure(&error)),
            Answer::List(_) | Answer::Decided(_) | Answer::TooLate(_) => Ok(None),
        }
    }

    /// The answer of whoever knows the approval that is asked about.
    pub(super) async fn ask(&self, question: Question) -> anyhow::Result<Answer> {
        let text = serde_json::to_string(&question)?;
        let again = || serde_json::from_str(&text).unwrap_or(Question::List);
        let mut answers = self.answers(again).await?;
        let known = answers.iter().position(|answer| !matches!(answer, Answer::Shown(None)));
        Ok(known.map_or(Answer::Shown(None), |at| answers.swap_remove(at)))
    }

    pub(super) async fn close(&self) {
        if let Self::Store { store, .. } = self {
            store.close().await;
        }
    }

    async fn answers(&self, question: impl Fn() -> Question) -> anyhow::Result<Vec<Answer>> {
        match self {
            Self::Store { gateway, viewer, .. } => Ok(vec![answer(gateway, viewer, question()).await]),
            Self::Servers { directory, sockets, owner } => {
                let mut answers = Vec::new();
                for socket in sockets {
                    // One that was killed has left its socket.
                    if let Ok(answer) = ask(socket, *owner, &question()).await {
                        answers.push(answer);
                    }
                }
                if answers.is_empty() {
                    bail!(
                        "no server with anything to approve is found in `{}`\n\
                         hint: run this as the user that the server runs as, with its --config",
                        directory.display()
                    );
                }
                Ok(answers)
            }
        }
    }
}
