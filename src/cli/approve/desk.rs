//! Where the approvals are that a person of the host decides: in the store that replicas share, or in the memory of the
//! servers of this user.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use nix::unistd::Uid;

use super::shown;
use crate::approvals::{ApprovalId, PostgresApprovals};
use crate::audit::Audit;
use crate::auth::Caller;
use crate::cli::control::{Answer, Question, answer, ask, directory, host_caller, sockets};
use crate::cli::setup::{environment, open_approvals, open_audit, shared_store};
use crate::config::{AuditTo, Config};
use crate::gateway::{ApprovalView, CallLimits, Decision, Gateway};
use crate::telemetry::Telemetry;

pub(super) enum Desk {
    Store {
        gateway: Box<Gateway>,
        store: Arc<PostgresApprovals>,
        viewer: Box<Caller>,
        audit: Option<Arc<Audit>>,
    },
    Servers {
        directory: PathBuf,
        sockets: Vec<PathBuf>,
        owner: Uid,
    },
}

impl Desk {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let Some(shared) = shared_store(config)? else {
            let directory = directory(&config.server, &environment);
            let (sockets, owner) = sockets(&directory, config.server.control_directory.is_some())?;
            return Ok(Self::Servers { directory, sockets, owner });
        };
        let store = open_approvals(&shared).await?;
        // A file is the server's own: there, whoever approved is named when the approval is used.
        let shares = config.audit.as_ref().is_some_and(|audit| audit.to == AuditTo::Store);
        let audit = if shares { open_audit(config, false).await? } else { None };
        let telemetry = match &audit {
            Some(audit) => Telemetry::default().with_witness(Arc::clone(audit) as _),
            None => Telemetry::default(),
        };
        // Nothing is asked of a database here.
        let limits = CallLimits { rows: 0, characters: 0, field_characters: 0, deadline: Duration::ZERO };
        let gateway = Gateway::new(Vec::new(), limits, telemetry);
        let gateway = gateway.with_approvals(Arc::clone(&store) as _);
        let viewer = Box::new(host_caller(Uid::effective()));
        Ok(Self::Store { gateway: Box::new(gateway), store, viewer, audit })
    }

    pub(super) async fn list(&self) -> anyhow::Result<Vec<ApprovalView>> {
        let mut open = Vec::new();
        for (_, answer) in self.answers(&Question::List).await? {
            match answer {
                Answer::List(approvals) => open.extend(approvals),
                Answer::Failed(error) => return Err(shown::failure(&error)),
                Answer::Shown(_) | Answer::Decided(_) | Answer::TooLate(_) | Answer::Suspended { .. } => {}
            }
        }
        open.sort_by_key(|approval| approval.created);
        Ok(open)
    }

    /// The approval. From here on only the server that has shown it is asked.
    pub(super) async fn find(&mut self, id: ApprovalId) -> anyhow::Result<Option<ApprovalView>> {
        let mut known = self.answers(&Question::Show { id }).await?;
        known.retain(|(_, answer)| !matches!(answer, Answer::Shown(None)));
        let (at, answer) = match (known.pop(), known.is_empty()) {
            (None, _) => return Ok(None),
            (Some(known), true) => known,
            (Some(_), false) => bail!("several servers say that the approval is theirs: nothing is decided"),
        };
        if let (Self::Servers { sockets, .. }, Some(at)) = (self, at) {
            *sockets = vec![at];
        }
        match answer {
            Answer::Shown(found) => Ok(found.map(|found| *found)),
            Answer::Failed(error) => Err(shown::failure(&error)),
            Answer::List(_) | Answer::Decided(_) | Answer::TooLate(_) | Answer::Suspended { .. } => Ok(None),
        }
    }

    /// Of the approval that [`Self::find`] has found and a person has seen.
    pub(super) async fn decide(&self, seen: &ApprovalView, decision: Decision) -> anyhow::Result<Answer> {
        let shown = seen.digest().map_err(|error| shown::failure(&error))?;
        let mut answers = self.answers(&Question::Decide { id: seen.id, decision, shown }).await?;
        Ok(answers.pop().map_or(Answer::Shown(None), |(_, answer)| answer))
    }

    pub(super) async fn close(&self) {
        if let Self::Store { store, audit, .. } = self {
            store.close().await;
            if let Some(audit) = audit {
                audit.close().await;
            }
        }
    }

    /// With the socket that each came by.
    async fn answers(&self, question: &Question) -> anyhow::Result<Vec<(Option<PathBuf>, Answer)>> {
        match self {
            Self::Store { gateway, viewer, .. } => {
                Ok(vec![(None, answer(gateway, viewer, question.clone()).await)])
            }
            Self::Servers { directory, sockets, owner } => {
                let mut answers = Vec::new();
                for socket in sockets {
                    // One that was killed has left its socket.
                    if let Ok(answer) = ask(socket, *owner, question).await {
                        answers.push((Some(socket.clone()), answer));
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
