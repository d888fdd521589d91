//! `pgwarden approve` and `pgwarden approvals`: a person at a terminal of the host decides what callers want to write.

mod desk;
mod shown;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{anyhow, bail};

use super::arguments::{ApprovalsArguments, ApproveArguments};
use super::control::Answer;
use super::setup::{environment, read_config};
use crate::approvals::{ApprovalId, ApprovalState};
use crate::gateway::{ApprovalView, Decision};
use desk::Desk;

pub(super) async fn list(arguments: ApprovalsArguments) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&read_config(arguments.config, &environment)?).await?;
    let open = desk.list().await;
    desk.close().await;
    let open = open?;
    if open.is_empty() {
        println!("nothing waits for approval");
    }
    for approval in &open {
        println!("{}", shown::line(approval));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn run(arguments: ApproveArguments) -> anyhow::Result<ExitCode> {
    let id: ApprovalId = arguments
        .id
        .parse()
        .map_err(|()| anyhow!("`{}` is no approval's id", arguments.id.escape_debug()))?;
    let mut desk = Desk::open(&read_config(arguments.config.clone(), &environment)?).await?;
    let decided = decide(&mut desk, id, &arguments).await;
    desk.close().await;
    decided
}

async fn decide(desk: &mut Desk, id: ApprovalId, arguments: &ApproveArguments) -> anyhow::Result<ExitCode> {
    let Some(approval) = desk.find(id).await? else { bail!("there is no approval {id}") };
    print!("{}", shown::whole(&approval));
    if approval.state != ApprovalState::Pending {
        bail!("it is {} already", approval.state.word());
    }
    let decision = match arguments.refuse {
        true => Decision::Refuse { reason: arguments.reason.clone().unwrap_or_default() },
        false => Decision::Approve,
    };
    if !arguments.yes && !asked(if arguments.refuse { "Refuse" } else { "Approve" })? {
        bail!("nothing is decided");
    }
    match desk.decide(&approval, decision).await? {
        Answer::Decided(after) => {
            println!("{}", outcome(&after));
            Ok(ExitCode::SUCCESS)
        }
        Answer::TooLate(after) => bail!("nothing is decided: it is {} already", after.state.word()),
        Answer::Failed(error) => Err(shown::failure(&error)),
        Answer::List(_) | Answer::Shown(_) | Answer::Suspended { .. } => bail!("there is no approval {id}"),
    }
}

fn outcome(approval: &ApprovalView) -> &'static str {
    match approval.state {
        ApprovalState::Pending => "approved by one person: another one has to approve it too",
        ApprovalState::Approved | ApprovalState::Used => "approved: it runs when its client asks again",
        ApprovalState::Refused => "refused",
        ApprovalState::Expired => "expired",
    }
}

/// Nothing but a `y` is yes.
fn asked(what: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: use --yes where a script decides");
    }
    print!("{what} it? [y/N] ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().eq_ignore_ascii_case("y"))
}
