//! What is asked over a control socket, and what is answered.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::unistd::{Uid, User};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::approvals::{ApprovalId, Person};
use crate::auth::Caller;
use crate::gateway::{ApprovalView, Decided, Decision, Gateway};
use crate::pg::Diagnostic;
use crate::store::suspensions::{Suspended, Suspension};

/// For the whole of a question and its answer.
const LIMIT: Duration = Duration::from_secs(10);
/// Of one answer: all approvals that may be open.
const BYTES: u64 = 128 * 1024 * 1024;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum Question {
    List,
    Show {
        id: ApprovalId,
    },
    /// `shown`: [`ApprovalView::digest`] of what the person saw.
    Decide {
        id: ApprovalId,
        decision: Decision,
        shown: String,
    },
    /// What is suspended.
    Suspended,
    Suspend {
        of: Suspended,
        reason: String,
        /// `None`: until it is resumed.
        seconds: Option<u64>,
    },
    Resume {
        of: Suspended,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum Answer {
    List(Vec<ApprovalView>),
    /// There is no such approval, or this is what became of it.
    Shown(Option<Box<ApprovalView>>),
    Decided(Box<ApprovalView>),
    /// It was decided, used or expired before.
    TooLate(Box<ApprovalView>),
    /// What is suspended now. `changed` is false where there was nothing to resume.
    Suspended {
        all: Vec<Suspension>,
        changed: bool,
    },
    Failed(Diagnostic),
}

/// Somebody with an account on this host.
pub(in crate::cli) fn host_caller(uid: Uid) -> Caller {
    let account = User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    let person = Person::on_the_host(&account);
    Caller { issuer: person.issuer, ..Caller::local(person.subject) }
}

/// Answers from the approvals and suspensions of `gateway`.
pub(in crate::cli) async fn answer(gateway: &Gateway, viewer: &Caller, question: Question) -> Answer {
    let suspensions = gateway.suspensions();
    let now = |changed| Answer::Suspended { all: suspensions.current(), changed };
    let answered = match question {
        Question::Suspended => Ok(now(true)),
        Question::Suspend { of, reason, seconds } => {
            let time = seconds.map(Duration::from_secs);
            suspensions.suspend(of, &reason, &viewer.subject, time).await.map(|()| now(true))
        }
        Question::Resume { of } => suspensions.resume(&of).await.map(now),
        Question::List => gateway.open_approvals(viewer).await.map(Answer::List),
        Question::Show { id } => {
            gateway.approval(viewer, id).await.map(|found| Answer::Shown(found.map(Box::new)))
        }
        Question::Decide { id, decision, shown } => {
            gateway.decide(viewer, id, decision, &shown).await.map(|decided| match decided {
                Decided::Done(approval) => Answer::Decided(Box::new(approval)),
                Decided::TooLate(approval) => Answer::TooLate(Box::new(approval)),
                Decided::Unknown => Answer::Shown(None),
            })
        }
    };
    answered.unwrap_or_else(Answer::Failed)
}

/// Asks the server behind `socket`, which has to be `owner`'s.
pub(in crate::cli) async fn ask(socket: &Path, owner: Uid, question: &Question) -> anyhow::Result<Answer> {
    let asked = async {
        let mut stream = UnixStream::connect(socket).await?;
        let peer = Uid::from_raw(stream.peer_cred()?.uid());
        if !is_believed(peer, owner) {
            bail!("it is answered by {peer}, and not by the folder's owner");
        }
        write(&mut stream, question).await?;
        read(&mut stream).await
    };
    let answered = timeout(LIMIT, asked).await.context("the server does not answer")?;
    answered.with_context(|| format!("`{}`", socket.display()))
}

/// Others may have put their own socket where a server's was looked for.
fn is_believed(peer: Uid, owner: Uid) -> bool {
    peer == owner || peer.is_root()
}

/// One question on a connection.
pub(super) async fn serve_one(gateway: &Gateway, mut stream: UnixStream) -> anyhow::Result<()> {
    let peer = Uid::from_raw(stream.peer_cred()?.uid());
    let answered = async {
        let question = read(&mut stream).await?;
        let answer = answer(gateway, &host_caller(peer), question).await;
        write(&mut stream, &answer).await
    };
    timeout(LIMIT, answered).await.context("no question came in time")?
}

async fn write(stream: &mut UnixStream, message: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(stream.write_all(&line).await?)
}

async fn read<M: for<'de> Deserialize<'de>>(stream: &mut UnixStream) -> anyhow::Result<M> {
    let mut line = Vec::new();
    BufReader::new(stream.take(BYTES)).read_until(b'\n', &mut line).await?;
    Ok(serde_json::from_slice(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_s_owner_and_root_are_believed_and_nobody_else() {
        let is = |peer, owner| is_believed(Uid::from_raw(peer), Uid::from_raw(owner));
        assert!(is(1000, 1000) && is(0, 1000) && is(0, 0));
        assert!(!is(1001, 1000) && !is(65_534, 0));
    }
}
